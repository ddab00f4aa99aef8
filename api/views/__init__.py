"""Records as clients see them, and how clients wait for them."""
