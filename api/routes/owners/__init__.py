"""The routes about owners: what they use, and their limits."""
