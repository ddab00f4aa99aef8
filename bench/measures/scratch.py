"""A folder for the time of a benchmark, which is removed however the benchmark ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

TERMINATED = 143  # 128 + SIGTERM, as shells count
INTERRUPTED = 130


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder and remove it at the end. SIGTERM and Ctrl-C raise, so that all parts are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        with TemporaryDirectory(prefix="stylequeue-bench-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
