"""Files that are being written, and the remains that a killed command left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from client.errors import CannotWrite

NAME = f".{'[0-9a-f]' * 32}.part"


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a path to write to. It replaces `file` when the block ends without an error.

    Raises:
        CannotWrite: the file or its folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(file.parent, error) from error
    partial = file.with_name(f".{uuid4().hex}.part")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        raise CannotWrite(file, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    with suppress(OSError):  # the first write into the folder reports it
        for path in folder.rglob(NAME):
            path.unlink(missing_ok=True)
