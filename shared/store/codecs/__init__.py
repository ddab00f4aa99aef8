"""Records as the fields of Redis hashes, and back."""
