"""Starts programs, watches them, starts dead workers again, and stops everything in order."""
