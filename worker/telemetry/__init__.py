"""What a worker counts, and whether it lives."""
