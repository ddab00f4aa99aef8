"""Rules of repeating a failed request: how often, and after which pauses."""

from __future__ import annotations

import random
from dataclasses import dataclass


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


DEFAULT_RETRIES = Retries()
