"""Repeating requests that failed."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from client.errors import ServiceUnavailable

T = TypeVar("T")


@dataclass(frozen=True)
class Retries:
    tries: int = 5
    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 60

    def delay(self, tries_so_far: int, asked_seconds: float | None) -> float | None:
        """Return the seconds until the next try, with jitter; None means to give up."""
        if tries_so_far >= self.tries or (asked_seconds or 0) > self.longest_delay_seconds:
            return None
        jitter = random.uniform(0.5, 1)  # noqa: S311 - no secret
        if asked_seconds is not None:
            return asked_seconds + self.first_delay_seconds * jitter
        return min(self.first_delay_seconds * 2.0 ** (tries_so_far - 1), self.longest_delay_seconds) * jitter

    def persist(self, step: Callable[[], T], deadline: float = math.inf) -> T:
        """Repeat the step while that is safe and may help, until the deadline (of time.monotonic)."""
        tries = 0
        while True:
            try:
                return step()
            except ServiceUnavailable as failure:
                tries += 1
                delay = self.delay(tries, failure.retry_after_seconds)
                if not failure.safe_to_repeat or delay is None or time.monotonic() + delay > deadline:
                    raise
            time.sleep(delay)


DEFAULT_RETRIES = Retries()
