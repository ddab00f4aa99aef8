"""Values that are read anew when they are a second old."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

FRESH_SECONDS = 1.0
Value = TypeVar("Value")


class Fresh(Generic[Value]):
    """A cache of one value. Threads may share it; two that find it stale at a time both read."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._latest: tuple[float, Value] | None = None

    def latest(self) -> Value:
        """Return a value that is at most FRESH_SECONDS old. Raises what reading it raises."""
        now = time.monotonic()
        if self._latest is None or now - self._latest[0] > FRESH_SECONDS:
            self._latest = now, self._read()
        return self._latest[1]
