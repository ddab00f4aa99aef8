"""The service's address, checked before anything is sent to it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def service_url(text: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        ValueError: it is not the URL of a service; the text says why.
    """
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"{text} does not start with http:// or https://")
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number, or a bracket is missing
        named = False
    if not named or re.search(r"\s", text):
        raise ValueError(f"{text} is not a URL like http://host:8080")
    return text.rstrip("/")
