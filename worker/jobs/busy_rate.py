"""How fast this process ends jobs while it has any."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HALF_LIFE_SECONDS = 60.0  # of busy time; what is older counts less, so that the rate follows a change


class BusyRate:
    """Jobs ended per second in which at least one job was held.

    While there is always more to do this is the throughput, which is what an estimate of the wait for a full
    queue needs; with fewer jobs than slots it is less than that. Idle time says nothing about speed, so it
    neither counts nor makes the past count less.

    Both the jobs ended and the seconds are sums in which what lies t busy seconds back weighs
    2^(-t / half-life): exponential forgetting in numerator and denominator, which needs no start value.
    Jobs should be much shorter than the half-life: with one of d seconds after the other, the rate goes up
    and down by some 0.35 d / half-life of itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` answers seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._held = 0
        self._counted_until = 0.0  # by the clock; of no meaning while nothing is held
        self._busy_seconds = 0.0
        self._ended = 0.0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """A job is held for as long as the block runs; several at a time are one busy time."""
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
        """A job has ended for good."""
        with self._lock:
            self._count_busy_time()
            self._ended += 1

    def per_second(self) -> float | None:
        """Jobs per second up to now, the jobs in hand included as time; None before the first ended."""
        with self._lock:
            self._count_busy_time()
            return self._ended / self._busy_seconds if self._ended and self._busy_seconds else None

    def _count_busy_time(self) -> None:
        now = self._clock()
        if self._held:
            weight = 2 ** (-(now - self._counted_until) / HALF_LIFE_SECONDS)
            self._ended *= weight
            # the weights of all moments since then, integrated
            self._busy_seconds = self._busy_seconds * weight + (1 - weight) * HALF_LIFE_SECONDS / math.log(2)
        self._counted_until = now
