"""The URL under which clients reach the API through a proxy."""

from __future__ import annotations

import re

from pydantic_core import PydanticCustomError

from shared.hosts import is_host

_PARTS = re.compile(r"https?://(?P<host>[^/?#@\s]+)(?P<prefix>(/[\w~-][\w.~-]*)*)/?", re.ASCII)


def check_public_url(url: str) -> str:
    """Return the URL without a slash at its end.

    The error does not repeat the URL, which may hold a password by mistake.
    """
    parts = _PARTS.fullmatch(url)
    if parts and is_host(parts["host"]):
        return url.removesuffix("/")
    raise PydanticCustomError(
        "public_url",
        "it must be http:// or https://, a host, perhaps a port and a path: https://example.org/paint",
    )
