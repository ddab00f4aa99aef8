"""A WSGI application whose responses break off, as they do when the storage fails while a file is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

PIECE = b"x" * 65_536


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    """Send as many pieces as the path says, and fail; any other path is an empty response."""
    path = environ["PATH_INFO"].strip("/")
    pieces = int(path) if path.isdecimal() else 0
    start_response("200 OK", [] if pieces else [("Content-Length", "0")])
    yield from [PIECE] * pieces
    if pieces:
        raise RuntimeError("the storage is gone")
