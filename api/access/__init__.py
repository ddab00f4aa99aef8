"""Callers: their keys, what they may do, and how often."""
