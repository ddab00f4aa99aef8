"""A WSGI application whose requests take as long as a test likes, and which lets one key in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from api.server.known_keys import LET_IN

VALID = "Authorization: Bearer valid"
PIECE = b"x" * 200_000
MOST_SECONDS = 60


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve /held?FILE once FILE exists, /large with PIECE, and all else at once."""
    if environ.get("HTTP_AUTHORIZATION") == VALID.partition(": ")[2]:
        environ[LET_IN] = True
    if environ["PATH_INFO"] == "/held":
        _wait_for(Path(environ["QUERY_STRING"]))
    body = PIECE if environ["PATH_INFO"] == "/large" else b""
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _wait_for(file: Path) -> None:
    ends_at = time.monotonic() + MOST_SECONDS
    while not file.exists() and time.monotonic() < ends_at:
        time.sleep(0.02)
