"""The state of Redis itself: its memory, whether it may evict jobs, and the last sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX

KEEPS_ALL = "noeviction"


@dataclass(frozen=True)
class RedisHealth:
    memory_bytes: int
    memory_limit_bytes: int  # 0: no limit
    may_evict: bool
    sweep_age_seconds: float | None  # by Redis' clock; None if nobody ever swept


def look_at_redis(connection: redis.Redis) -> RedisHealth:
    """
    Raises:
        QueueUnavailable: Redis does not respond.
    """
    with translated_errors(), connection.pipeline(transaction=False) as pipeline:
        pipeline.info("memory")
        pipeline.time()
        pipeline.hget(PREFIX + "swept", "at")
        memory, (seconds, microseconds), swept_ms = cast(
            "tuple[dict[str, Any], Any, Any]", pipeline.execute()
        )
    now = seconds + microseconds / 1e6
    return RedisHealth(
        memory_bytes=memory["used_memory"],
        memory_limit_bytes=memory["maxmemory"],
        may_evict=may_evict(eviction_policy(memory)),
        sweep_age_seconds=max(0.0, now - int(swept_ms) / 1000) if swept_ms else None,
    )


def eviction_policy(memory: Mapping[str, Any]) -> str:
    """Return the policy in INFO memory; servers that cannot evict do not tell one."""
    return str(memory.get("maxmemory_policy", KEEPS_ALL))


def may_evict(policy: str) -> bool:
    """Return whether Redis evicts keys when its memory is full; volatile-* evicts keys with a lifetime."""
    return policy != KEEPS_ALL
