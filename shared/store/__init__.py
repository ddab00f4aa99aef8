"""Records in Redis."""
