"""The memory that a worker process has freed goes back to the system.

By itself TensorFlow keeps what its largest call took: oneDNN's allocator on a CPU holds its regions for ever
(`tensorflow/core/common_runtime/mkl_cpu_allocator.h`), and so does glibc with chunks between others in use.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

from worker.model.memory import rss_bytes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>
# Blocks from this size on come from the system and go back to it at once; glibc allows no larger limit.
MAPPED_BYTES = 32 << 20
KEPT_BYTES = 1 << 30  # of free memory at the heap's end, until `Heap.give_back` is called
GROWTH_BYTES = 128_000_000
GIVE_BACK_SECONDS = 5.0  # between two looks whether freed memory can go back to the system


def use_system_allocator() -> None:
    """Lets TensorFlow, which must not have been imported yet, take its memory from the C library.

    Of glibc's arenas there is one: the threads of a process share the memory that any of them has freed.
    """
    os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
    with suppress(AttributeError):  # another C library
        configure = ctypes.CDLL(None).mallopt
        for name, value in (
            (M_ARENA_MAX, 1),
            (M_MMAP_THRESHOLD, MAPPED_BYTES),
            (M_TRIM_THRESHOLD, KEPT_BYTES),
        ):
            configure(name, value)


class Heap:
    """Returns freed memory when the process has grown."""

    def __init__(self) -> None:
        self._least_bytes = 0

    def give_back(self) -> None:
        """Returns it if the process has GROWTH_BYTES more than after the last time."""
        self._least_bytes = min(self._least_bytes, rss_bytes())
        if rss_bytes() - self._least_bytes > GROWTH_BYTES:
            with suppress(AttributeError):  # another C library
                ctypes.CDLL(None).malloc_trim(0)
            self._least_bytes = rss_bytes()
