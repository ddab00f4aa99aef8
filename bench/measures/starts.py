"""The order in which jobs started, as bench/stacks/recording_worker.py records it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar, cast

from shared.store.redis.connection import connect
from shared.wire.descriptors import Lane

STARTS = "bench:starts"  # list of '<lane> <job id>'
POLL_SECONDS = 0.002
GIVE_UP_SECONDS = 60

Found = TypeVar("Found")


class Starts:
    """The starts of all workers, in one list."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)

    def count(self) -> int:
        return self._redis.llen(STARTS)

    def lanes(self) -> list[Lane]:
        """Return the lanes of all starts, in their order."""
        return [Lane(entry.split()[0]) for entry in self._entries(0)]

    def wait_for(self, job_id: str) -> int:
        """Wait for the job's start; return its number, from 0."""
        first = max(self.count() - 200, 0)

        def found() -> int | None:
            ids = [entry.split()[1] for entry in self._entries(first)]
            return first + ids.index(job_id) if job_id in ids else None

        return until(found)

    def wait_for_count(self, count: int) -> None:
        until(lambda: self.count() >= count or None)

    def wait_for_lane(self, lane: Lane, count: int) -> None:
        """Wait until so many jobs of the lane have started."""
        until(lambda: self.lanes().count(lane) >= count or None, poll_seconds=0.5)

    def close(self) -> None:
        self._redis.close()

    def _entries(self, first: int) -> list[str]:
        return cast("list[str]", self._redis.lrange(STARTS, first, -1))


def until(look: Callable[[], Found | None], poll_seconds: float = POLL_SECONDS) -> Found:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError("the recording worker does not start what it should")
        time.sleep(poll_seconds)
    return found


def share_under_supply(lanes: Sequence[Lane], lane: Lane, above: Lane) -> tuple[float, int]:
    """Return the share of `lane` among the starts while `above` had jobs, and the longest run of others in
    between.

    Only whole turns are counted, from one start of the lane to its last before `above` was empty: one of
    eight is exactly 0.125.
    """
    first = lanes.index(above)
    last = len(lanes) - 1 - list(reversed(lanes)).index(above)
    turns = [place for place in range(first, last) if lanes[place] is lane]
    if len(turns) < 2:
        return 0.0, last - first
    gaps = [following - place for place, following in pairwise(turns)]
    return len(gaps) / sum(gaps), max(gaps) - 1
