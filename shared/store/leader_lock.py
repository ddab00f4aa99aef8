"""A leader lock for steps that one worker does for all. When its holder falls silent, another takes over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import redis

from shared.store.redis.scripts import Scripts

PERIODS_PER_TERM = 1.8  # the holder keeps it from one period to the next; a dead one loses it within two


class LeaderLock:
    """One process' claim to a step. Its methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, step: str, period_seconds: float) -> None:
        self._scripts = Scripts(connection, ("take_leadership",))
        self._step = step
        self._milliseconds = int(PERIODS_PER_TERM * period_seconds * 1000)
        self._token = uuid4().hex

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Yield whether the block should do the step. A block that fails releases the lock."""
        mine = self._ask(self._milliseconds)
        try:
            yield mine
        except BaseException:
            if mine:
                self._ask(0)
            raise

    def _ask(self, milliseconds: int) -> bool:
        return bool(self._scripts.run("take_leadership", self._step, self._token, milliseconds))
