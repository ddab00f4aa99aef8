"""The digest of a file on the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_of(file: Path) -> str | None:
    """SHA-256 in hexadecimal digits; None if there is no such file."""
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
