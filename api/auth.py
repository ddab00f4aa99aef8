"""Whose request this is. Every record and object belongs to one owner and is invisible to all others."""

from __future__ import annotations

ANONYMOUS_OWNER = "anonymous"


def current_owner() -> str:
    """The owner of the request in hand."""
    return ANONYMOUS_OWNER
