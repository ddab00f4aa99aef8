"""The sign of life that a supervised process gives: a byte a second into a pipe.

A process that was stopped or that hangs keeps its locks, memory and connections. Only its silence shows it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

BEAT_SECONDS = 1.0
SILENT_SECONDS = 20.0  # a busy machine may delay a beat
LONGEST_LOOK_SECONDS = 1.0  # between two looks; a longer gap means that the supervisor itself was stopped
READ_BYTES = 4096


def beat(file: int) -> None:
    """Give a sign of life; the reader may be gone, or stopped for so long that the pipe is full."""
    with suppress(OSError):
        os.write(file, b".")


class Pulse:
    """The supervisor's end of the pipe, and the process's end, `file`, which outlives each process."""

    def __init__(self) -> None:
        self._source, self.file = os.pipe()
        os.set_blocking(self._source, False)
        os.set_blocking(self.file, False)
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._source)
        os.close(self.file)

    def reset(self) -> None:
        """Expect a new process. It may take any time until its first beat, because it loads its model."""
        self._read()
        self._began = False
        self._silent_seconds = 0.0
        self._looked_at = time.monotonic()

    def is_silent(self) -> bool:
        """Return whether a process that has begun to beat was silent for SILENT_SECONDS."""
        now = time.monotonic()
        self._silent_seconds += min(now - self._looked_at, LONGEST_LOOK_SECONDS)
        self._looked_at = now
        if self._read():
            self._began, self._silent_seconds = True, 0.0
        return self._began and self._silent_seconds > SILENT_SECONDS

    def _read(self) -> bytes:
        try:
            return os.read(self._source, READ_BYTES)
        except BlockingIOError:
            return b""
