"""The folder in which the processes of one host count: its files outlive the process that wrote them.

When prometheus_client is imported, it reads PROMETHEUS_MULTIPROC_DIR to choose between memory and such files.
This module runs before that, so it must not import prometheus_client.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# The files are mapped into memory. On a full disk, the first write to a new page would end the process
# (SIGBUS), so they do not share a disk with the temporary files of requests.
MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder there
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def make_metrics_folder() -> Path:
    """Create and return a new private folder, so that counts of an earlier run are not counted again.

    The folder is deleted when the process that created it ends. Forked children inherit the exit handler, but
    do not delete the folder.
    """
    folder, maker = Path(tempfile.mkdtemp(prefix="stylequeue-metrics-", dir=_parent())), os.getpid()

    def remove() -> None:
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _parent() -> Path | None:
    """Return /dev/shm, or None (the default folder for temporary files) where that cannot be used."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
