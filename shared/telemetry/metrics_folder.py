"""Where the processes of one host count together: files that outlive the process that wrote them.

prometheus_client decides when it is imported whether it counts in memory or in such files, by the variable
PROMETHEUS_MULTIPROC_DIR. So this module imports nothing of it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# The files are mapped into memory. On a disk that is full, the first touch of a new page of theirs would end
# the process (SIGBUS); so they lie where temporary files of requests do not.
MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own there
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def make_metrics_folder() -> Path:
    """A new one that nobody else may read: what an earlier run counted must not be counted again.

    It goes when the process that made it ends; forked children, which inherit the wish, leave it alone.
    """
    folder, maker = Path(tempfile.mkdtemp(prefix="stylequeue-metrics-", dir=_place())), os.getpid()

    def remove() -> None:
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _place() -> Path | None:
    """None: where temporary files are, on systems without such a folder."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
