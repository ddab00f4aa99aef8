"""Digests of models: which one a worker has loaded, and whether a file of weights is the right one."""

from __future__ import annotations

import hashlib
from pathlib import Path

LEFT_OUT = "fingerprint.pb"  # TensorFlow writes a random number into it, so that no two builds have the same


def file_digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def model_digest(folder: str) -> str | None:
    """SHA-256 of the files of a SavedModel and their names, in hexadecimal digits.

    It reads each file once: 10 ms for the embedded model. None for what is no folder of this machine, as
    with a model that is loaded from a bucket (gs://).
    """
    root = Path(folder)
    if not root.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file() and path.name != LEFT_OUT):
        digest.update(f"{file.relative_to(root).as_posix()}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()
