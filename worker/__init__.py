"""Queue in, picture out."""
