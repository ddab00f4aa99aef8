"""A disk that is full, or has no place for temporary files, is no fault of the request or of the program."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import DiskFull

# The last one: not one folder for temporary files can be used.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.ENOENT}


@contextmanager
def translated_disk_errors() -> Iterator[None]:
    """Around what writes temporary files: turns an OSError that says that there is no room into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DiskFull("There is no room for temporary files on the service's machine") from error
