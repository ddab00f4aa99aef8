"""Room in Redis for accepted jobs: beyond a fill level the API accepts nothing new."""

from __future__ import annotations

from typing import cast

import redis

from api.fresh import Fresh
from shared.errors import QueueNearlyFull
from shared.store.redis.connection import translated_errors


class RedisRoom:
    """A look at Redis' memory, renewed each second."""

    def __init__(self, connection: redis.Redis, most_percent: int) -> None:
        self._most_percent = most_percent
        self._percent = Fresh(lambda: _percent_used(connection))

    def check(self) -> None:
        """Refuse new records while Redis is nearly full.

        Raises:
            QueueNearlyFull: Redis uses more of its maxmemory than the limit.
            QueueUnavailable: Redis does not respond.
        """
        percent = self._percent.latest()
        if percent >= self._most_percent:
            raise QueueNearlyFull(
                f"Redis is {min(percent, 100):.0f} % full; from {self._most_percent} % on "
                "(max_redis_percent) the service accepts no new work, but finishes what it accepted"
            )


def _percent_used(connection: redis.Redis) -> float:
    with translated_errors():
        memory = cast("dict[str, int]", connection.info("memory"))
    return 100 * memory["used_memory"] / memory["maxmemory"] if memory["maxmemory"] else 0.0
