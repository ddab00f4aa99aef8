"""Room in Redis for accepted jobs: beyond a fill level the API accepts nothing new."""

from __future__ import annotations

import time
from typing import cast

import redis

from shared.errors import QueueNearlyFull
from shared.store.redis.connection import translated_errors

FRESH_SECONDS = 1.0


class RedisRoom:
    """A look at Redis' memory, renewed each second. Threads may share it; two may look at a time."""

    def __init__(self, connection: redis.Redis, most_percent: int) -> None:
        self._connection = connection
        self._most_percent = most_percent
        self._looked_at = float("-inf")
        self._percent = 0.0

    def check(self) -> None:
        """Refuse new records while Redis is nearly full.

        Raises:
            QueueNearlyFull: Redis uses more of its maxmemory than the limit.
            QueueUnavailable: Redis does not respond.
        """
        if time.monotonic() - self._looked_at > FRESH_SECONDS:
            self._look()
        if self._percent >= self._most_percent:
            raise QueueNearlyFull(
                f"Redis is {min(self._percent, 100):.0f} % full; from {self._most_percent} % on "
                "(max_redis_percent) the service accepts no new work, but finishes what it accepted"
            )

    def _look(self) -> None:
        with translated_errors():
            memory = cast("dict[str, int]", self._connection.info("memory"))
        limit = memory["maxmemory"]
        self._percent = 100 * memory["used_memory"] / limit if limit else 0.0
        self._looked_at = time.monotonic()
