"""Returns freed memory of a worker process to the system.

TensorFlow keeps the memory of its largest call: on a CPU, oneDNN's allocator never returns its regions,
unless a variable turns it off (tensorflow/tensorflow#54169); glibc keeps free chunks between used ones.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

from worker.model.memory import rss_bytes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>
# glibc maps blocks from this size on separately and returns them at once; it allows no larger limit.
MAPPED_BYTES = 32 << 20
KEPT_BYTES = 1 << 30  # free memory that stays at the heap's end until `Heap.give_back`
GROWTH_BYTES = 128_000_000
# glibc reads this when a program starts. With the C library's memory in small pages, the model took 13 % more
# processor time per picture than with TensorFlow's own.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
GIVE_BACK_SECONDS = 5.0  # between two calls of `Heap.give_back`


def use_system_allocator() -> None:
    """Make TensorFlow, which must not be imported yet, use the allocator of the C library.

    glibc gets a single arena, so that the threads share the memory that any of them freed.
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
    """Returns freed memory to the system when the process has grown."""

    def __init__(self) -> None:
        self._least_bytes = 0

    def give_back(self) -> None:
        """Return memory if the process has GROWTH_BYTES more than after the last return."""
        self._least_bytes = min(self._least_bytes, rss_bytes())
        if rss_bytes() - self._least_bytes > GROWTH_BYTES:
            with suppress(AttributeError):  # another C library
                ctypes.CDLL(None).malloc_trim(0)
            self._least_bytes = rss_bytes()
