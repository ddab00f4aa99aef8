"""Routes for operators: the audit log and API keys."""
