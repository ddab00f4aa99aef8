"""Translates errors of a full disk, or of one without a usable folder for temporary files, into DiskFull."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import DiskFull

# ENOENT: no folder for temporary files is usable.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.ENOENT}


@contextmanager
def translated_disk_errors() -> Iterator[None]:
    """Raise DiskFull if the block, which writes temporary files, fails because there is no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DiskFull("There is no room for temporary files on the service's machine") from error
