"""The state of all lanes: what waits, what runs, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneState
from shared.wire.records import JobStatus

MOST_LOOKED_AT = 100  # owners, and messages, of a lane; so many take Redis some milliseconds


class QueueState:
    """Reads and never writes, so it also works on a full Redis.

    All methods raise QueueUnavailable when Redis does not respond.
    """

    def __init__(self, connection: redis.Redis, most_looked_at: int = MOST_LOOKED_AT) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, ["queue_state", "count_chores"])
        self._most = most_looked_at

    def look(self) -> tuple[LaneState, ...]:
        """Return every lane as of the same moment, the highest first."""
        answers = self._scripts.run("queue_state", self._most, *Lane)
        return tuple(_state(lane, answer) for lane, answer in zip(Lane, answers, strict=True))

    def chores(self) -> int:
        """Return the number of batches to end and hosts with a due webhook: work for any living worker."""
        return int(self._scripts.run("count_chores"))

    def own(self, owner: str) -> dict[JobStatus, int]:
        """Return the numbers of an owner's jobs by status, without zeros."""
        with translated_errors():
            counts = cast("dict[str, str]", self._redis.hgetall(PREFIX + "counts:" + owner))
        return {status: int(counts[status]) for status in JobStatus if int(counts.get(status, 0))}


def _state(lane: Lane, answer: Sequence[int]) -> LaneState:
    queued, scheduled, dispatched, running, canceling, age_ms, paused = answer
    return LaneState(
        lane=lane,
        waiting=queued - scheduled - dispatched,
        scheduled=scheduled,
        dispatched=dispatched,
        running=running,
        canceling=canceling,
        oldest_seconds=age_ms / 1000 if age_ms >= 0 else None,
        paused=bool(paused),
    )
