"""Which model a worker has loaded, whatever its handle says: a digest of the model's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

LEFT_OUT = "fingerprint.pb"  # TensorFlow writes a random number into it, so that no two builds have the same


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
        with file.open("rb") as content:
            of_file = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"{file.relative_to(root).as_posix()}\0{of_file}\n".encode())
    return digest.hexdigest()
