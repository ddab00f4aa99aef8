"""Files that are being written, and what a killed command left of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

NAME = f".{'[0-9a-f]' * 32}.part"


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A path to write to; at the end of the block it takes the place of `file`, unless the block fails."""
    partial = file.with_name(f".{uuid4().hex}.part")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    for path in folder.rglob(NAME):
        path.unlink(missing_ok=True)
