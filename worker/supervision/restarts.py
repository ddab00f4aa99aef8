"""Rules for a worker that died: how long it stays down, and when it is not started again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.stopping import EXIT_NOT_STARTED

FAILED_STARTS = 3  # a worker that dies so often in a row will not live later

GivesUp = Callable[[int, int], bool]  # from the exit code and the deaths in a row of a worker


@dataclass(frozen=True)
class Backoff:
    """The delay before a dead worker is started again; it doubles with each death in a row."""

    first_seconds: float = 1
    limit_seconds: float = 30
    reset_seconds: float = 60  # after so long a life, a death counts as the first one

    def delay_seconds(self, deaths_in_row: int) -> float:
        return float(min(self.limit_seconds, self.first_seconds * 2 ** (deaths_in_row - 1)))


def cannot_start(exit_code: int, deaths_in_row: int) -> bool:
    """Return whether a worker that died during the start will never come up."""
    return exit_code == EXIT_NOT_STARTED or deaths_in_row >= FAILED_STARTS


def keeps_failing(exit_code: int, deaths_in_row: int) -> bool:
    """Return whether a worker ends by itself again and again.

    Deaths by a signal do not count: each job has a limited number of attempts at killing its worker.
    """
    return exit_code > 0 and deaths_in_row >= FAILED_STARTS


def never(_: int, __: int) -> bool:
    """Start dead workers again for ever."""
    return False
