"""Redis' own report: its memory, and whether it is rewriting its file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import cast

import redis

QUIET_SECONDS = 0.3
POLL_SECONDS = 0.05
KEYS_AT_ONCE = 5000


class RedisState:
    """A connection of its own, without the product's retries and time limits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = redis.Redis.from_url(url, decode_responses=True)

    def used_bytes(self) -> int:
        """Return the bytes of the data and its overhead, as the allocator counts them, once
        Redis is quiet.
        """
        time.sleep(QUIET_SECONDS)
        return int(self._info("memory")["used_memory"])

    def settle(self) -> None:
        """Wait until the append-only file is not being rewritten, which takes a core of its own."""
        while int(self._info("persistence")["aof_rewrite_in_progress"]):
            time.sleep(POLL_SECONDS)

    def commands(self) -> tuple[Counter[str], Counter[str]]:
        """Return the calls of each command, and its microseconds; a script's include its commands'."""
        calls, microseconds = Counter[str](), Counter[str]()
        for name, figures in cast("dict[str, dict[str, int]]", self._redis.info("commandstats")).items():
            command = name.removeprefix("cmdstat_")
            calls[command], microseconds[command] = figures["calls"], figures["usec"]
        return calls, microseconds

    def time_of_hsets(self, fields: Mapping[str, str], count: int) -> float:
        """Return the seconds of `count` plain HSETs of these fields, in one pipeline over a fresh connection.

        Only `execute` is timed: encoding the commands, sending them and reading all replies. The keys are
        removed again.
        """
        keys = [f"bench:hset:{number:032}" for number in range(count)]  # about as long as a job's
        with redis.Redis.from_url(self._url) as fresh, fresh.pipeline(transaction=False) as pipeline:
            fresh.ping()
            for key in keys:
                pipeline.hset(key, mapping=dict(fields))
            begin = time.perf_counter()
            pipeline.execute()
            seconds = time.perf_counter() - begin
        for start in range(0, count, KEYS_AT_ONCE):
            self._redis.delete(*keys[start : start + KEYS_AT_ONCE])
        return seconds

    def close(self) -> None:
        self._redis.close()

    def _info(self, section: str) -> dict[str, str]:
        return cast("dict[str, str]", self._redis.info(section))
