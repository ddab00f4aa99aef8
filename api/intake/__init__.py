"""Request bodies: reading, checking, and accepting or rejecting the jobs in them."""
