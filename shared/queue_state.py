"""One look at all lanes: what waits, what runs, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from shared.descriptors import Lane
from shared.queue_records import LaneState
from shared.redis_scripts import Scripts

MOST_LOOKED_AT = 100  # owners, and messages, of a lane: some milliseconds of Redis when there are so many


class QueueState:
    """Reads and never writes, so that a full Redis answers too."""

    def __init__(self, connection: redis.Redis, most_looked_at: int = MOST_LOOKED_AT) -> None:
        self._scripts = Scripts(connection, ["queue_state"])
        self._most = most_looked_at

    def look(self) -> tuple[LaneState, ...]:
        """Every lane at the same moment, the highest first.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        answers = self._scripts.run("queue_state", self._most, *Lane)
        return tuple(_state(lane, answer) for lane, answer in zip(Lane, answers, strict=True))


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
