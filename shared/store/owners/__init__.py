"""Owners: their accounts, their limits, and all of them."""
