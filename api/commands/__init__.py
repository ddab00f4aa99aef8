"""Commands for operators: API keys and storage."""
