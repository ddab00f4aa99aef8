"""Huge pictures through the whole stack: their time and memory, and what they cost their neighbors."""
