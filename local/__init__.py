"""The whole system on one machine with no Docker: Redis, S3, workers and the API as child processes."""
