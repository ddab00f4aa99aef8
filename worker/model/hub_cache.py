"""Finds models in the cache of tensorflow_hub, and advises operators whose worker has no model."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

VARIABLE = "TFHUB_CACHE_DIR"
ARCHIVE_QUERY = "tf-hub-format=compressed"
EMBEDDED_NEEDS = "which needs neither network nor files"


def is_url(handle: str) -> bool:
    return handle.startswith(("http://", "https://"))


def cached_model(handle: str) -> Path:
    """Return the folder for a Hub URL's SavedModel, by tensorflow_hub's rule; it may not exist."""
    root = os.environ.get(VARIABLE) or Path(tempfile.gettempdir()) / "tfhub_modules"
    return Path(root) / hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()


def what_to_do(handle: str) -> str:
    """Return advice for an operator whose worker has no model."""
    if not is_url(handle):
        return f"It must be a SavedModel's path, a Hub URL, or 'embedded', {EMBEDDED_NEEDS}"
    archive = f"{handle}{'&' if '?' in handle else '?'}{ARCHIVE_QUERY}"
    folder = cached_model(handle)
    return (
        f"Either let this machine reach it; or unpack {archive} on another one and put it into {folder} "
        f"({VARIABLE}), so that {folder / 'saved_model.pb'} is there; or set STYLEQUEUE_MODEL=embedded, "
        f"{EMBEDDED_NEEDS}"
    )
