"""Measures how many jobs a process ends per second while it holds any."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HALF_LIFE_SECONDS = 60.0  # of busy time; older values count less, so that the rate follows changes


class BusyRate:
    """The jobs ended per second of the time in which at least one job was held.

    With a full queue this is the throughput, which an estimate of waiting times needs; with fewer jobs than
    slots it is lower. Idle time says nothing about speed, so it neither counts nor ages the past.

    Jobs and seconds are both sums in which an entry that is t busy seconds old weighs 2^(-t / half-life).
    This exponential forgetting in numerator and denominator needs no start value. Jobs should be much shorter
    than the half-life: with jobs of d seconds, one after the other, the rate varies by 0.35 d / half-life.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._held = 0
        self._counted_until = 0.0  # by the clock; meaningless while no job is held
        self._busy_seconds = 0.0
        self._ended = 0.0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Count the block as busy time; blocks that overlap count once."""
        with self._lock:
            self._count_busy_time()
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._count_busy_time()
                self._held -= 1

    def count_ended(self) -> None:
        with self._lock:
            self._count_busy_time()
            self._ended += 1

    def per_second(self) -> float | None:
        """Return the jobs per second up to now; None before the first job ended."""
        with self._lock:
            self._count_busy_time()
            return self._ended / self._busy_seconds if self._ended and self._busy_seconds else None

    def _count_busy_time(self) -> None:
        now = self._clock()
        if self._held:
            weight = 2 ** (-(now - self._counted_until) / HALF_LIFE_SECONDS)
            self._ended *= weight
            # the integral of the weights since then
            self._busy_seconds = self._busy_seconds * weight + (1 - weight) * HALF_LIFE_SECONDS / math.log(2)
        self._counted_until = now
