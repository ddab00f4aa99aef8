"""Paints one job's picture: its styles, its strength, its strokes."""
