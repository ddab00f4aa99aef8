"""Limits the memory that a process uses for pictures: in the model, and before and after it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

# Shares of the free memory at the start; the rest is for the process, its files and the system.
MODEL_SHARE = 0.7
VGG_BYTES_PER_PIXEL = 8_000  # for the losses and for the minimization
PICTURE_SHARE = 0.15  # for decoding and encoding
SMALL_PICTURES_SHARE = 0.25  # of that
LARGEST_SMALL_SHARE = 0.05
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_bytes() -> int:
    """Return the free memory of the machine, or the container's limit if that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int(CGROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no cgroup, or "max"
        return free
    return min(free, limit)


def rss_bytes() -> int:
    """Return the memory of this process, including pages that it shares with others."""
    return int(psutil.Process().memory_info().rss)


def model_budget_bytes(configured: int, processes: int) -> int:
    """Return `configured`, or this process's share of the free memory if that is 0."""
    return configured or int(available_bytes() * MODEL_SHARE / processes)


def picture_budget_bytes(processes: int) -> int:
    return int(available_bytes() * PICTURE_SHARE / processes)


class MemoryBudget:
    """Gives memory to threads in the order in which they ask.

    A request for more than the whole budget waits until nothing else is reserved. The picture is within the
        limits, so it must be served, but alone.
    """

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._reserved = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def reserved(self, size_bytes: int) -> Iterator[None]:
        """Wait for so many bytes, and keep them while the block runs."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._waiting[0] is ticket and self._has_room_for(size_bytes))
            self._waiting.popleft()
            self._reserved += size_bytes
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= size_bytes
                self._changed.notify_all()

    def _has_room_for(self, size_bytes: int) -> bool:
        return not self._reserved or self._reserved + size_bytes <= self._total


class PictureMemory:
    """Memory for pictures outside the model. Small ones have a part of it, and so wait for no large one."""

    def __init__(self, total_bytes: int) -> None:
        self._small = MemoryBudget(int(total_bytes * SMALL_PICTURES_SHARE))
        self._large = MemoryBudget(int(total_bytes * (1 - SMALL_PICTURES_SHARE)))
        self._small_bytes = int(total_bytes * LARGEST_SMALL_SHARE)

    def __len__(self) -> int:
        """Return the number of requests that wait."""
        return len(self._small) + len(self._large)

    def reserved(self, size_bytes: int) -> AbstractContextManager[None]:
        """Wait for so many bytes, and keep them while the block runs."""
        return (self._small if size_bytes <= self._small_bytes else self._large).reserved(size_bytes)
