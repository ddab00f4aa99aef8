"""How much memory this process may use for pictures, in the model and before and after it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

# Of what is there when the worker starts; the rest is for the process, its files and the system.
MODEL_SHARE = 0.7
PICTURE_SHARE = 0.15  # for decoding and encoding
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_bytes() -> int:
    """Free memory of the machine, or of the container if that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int(CGROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no cgroup, or "max"
        return free
    return min(free, limit)


def rss_bytes() -> int:
    """Memory that this process has now, the pages that it shares with others included."""
    return int(psutil.Process().memory_info().rss)


def model_budget_bytes(configured: int, processes: int) -> int:
    """`configured`, or a fair share of the memory that is there if that is 0."""
    return configured or int(available_bytes() * MODEL_SHARE / processes)


def picture_budget_bytes(processes: int) -> int:
    """A fair share for decoding and encoding."""
    return int(available_bytes() * PICTURE_SHARE / processes)


class MemoryBudget:
    """Lets threads take memory in the order in which they ask, while it is there.

    What is larger than the whole has to be alone: the limits of a picture have admitted it, so it must have
    its chance, but nothing beside it.
    """

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._taken = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def reserved(self, size_bytes: int) -> Iterator[None]:
        """Waits until so many bytes can be had, and keeps them for as long as the block runs."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._has_room_for(size_bytes))
            self._waiting.popleft()
            self._taken += size_bytes
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size_bytes
                self._changed.notify_all()

    def _has_room_for(self, size_bytes: int) -> bool:
        return not self._taken or self._taken + size_bytes <= self._total
