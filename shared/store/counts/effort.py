"""The effort of an attempt at a job, for the account of the job's owner."""

from __future__ import annotations

from dataclasses import dataclass

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Effort:
    device_seconds: float = 0.0  # the job's share of the model's calls
    bytes_in: int = 0  # of image files that were read

    def arguments(self) -> tuple[int, int]:
        """Return the attempt's arguments for the scripts `finish` and `release`."""
        return round(self.device_seconds * MICROSECONDS), self.bytes_in


NO_EFFORT = Effort()
