"""Computes digests that identify a loaded model, and check files of weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

LEFT_OUT = "fingerprint.pb"  # contains a random number of TensorFlow's, so it differs in each build


def file_digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def model_digest(folder: str) -> str | None:
    """Return the SHA-256 of the files of a SavedModel and their names, in hexadecimal digits.

    It takes 10 ms for the embedded model. It is None if the folder is not on this machine, as for a model in
    a bucket (gs://).
    """
    root = Path(folder)
    if not root.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file() and path.name != LEFT_OUT):
        digest.update(f"{file.relative_to(root).as_posix()}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()
