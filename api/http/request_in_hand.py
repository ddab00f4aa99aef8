"""The request that a thread works on."""

from __future__ import annotations

from flask import Request, request


def current_request() -> Request:
    """Return the request itself. Each look through Flask's proxy costs a third of a microsecond."""
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a proxy's own method
    return current
