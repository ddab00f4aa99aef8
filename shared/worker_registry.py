"""Which workers are alive, by their heartbeats in Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import redis

from shared.descriptors import Lane
from shared.records import WorkerInfo
from shared.redis_client import translated_errors

HEARTBEATS = "sq:workers"  # zset: worker ids by the time of the last heartbeat, in seconds
DESCRIPTIONS = "sq:worker:infos"  # hash: WorkerInfo as JSON by worker id
RATES = (
    "sq:worker:rates"  # hash: the last rate that a worker measured, by the lanes it serves; outlives workers
)
DRAINING = "sq:workers:draining"  # set: ids of workers that an operator wants to end
FORGET_AFTER_SECONDS = 3600


class WorkerRegistry:
    """Heartbeats carry the whole description, so a restarted Redis knows all workers again after one beat."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def announce(self, worker: WorkerInfo) -> bool:
        """One heartbeat; answers whether the worker is to be drained."""
        now = time.time()
        with translated_errors(), self._redis.pipeline() as pipeline:
            pipeline.zadd(HEARTBEATS, {worker.id: now})
            pipeline.hset(DESCRIPTIONS, worker.id, worker.model_dump_json())
            if worker.rate:
                pipeline.hset(RATES, ",".join(worker.lanes), worker.rate)
            pipeline.sismember(DRAINING, worker.id)
            pipeline.zrangebyscore(HEARTBEATS, "-inf", now - FORGET_AFTER_SECONDS)
            draining, long_gone = cast("tuple[int, list[str]]", tuple(pipeline.execute()[-2:]))
        for worker_id in long_gone:
            self.remove(worker_id)
        return bool(draining)

    def drain(self, worker_ids: Sequence[str]) -> None:
        """From their next heartbeat on they take no more jobs, and end when they hold none."""
        if worker_ids:
            with translated_errors():
                self._redis.sadd(DRAINING, *worker_ids)

    def remove(self, worker_id: str) -> None:
        """A worker that stops says so."""
        with translated_errors(), self._redis.pipeline() as pipeline:
            pipeline.zrem(HEARTBEATS, worker_id)
            pipeline.hdel(DESCRIPTIONS, worker_id)
            pipeline.srem(DRAINING, worker_id)
            pipeline.execute()

    def alive(self, within_seconds: float) -> list[WorkerInfo]:
        """The workers whose last heartbeat is at most that old."""
        with translated_errors():
            ids = self._redis.zrangebyscore(HEARTBEATS, time.time() - within_seconds, "+inf")
            texts = cast(
                "list[str | None]", self._redis.hmget(DESCRIPTIONS, cast("list[str]", ids)) if ids else []
            )
        return [WorkerInfo.model_validate_json(text) for text in texts if text]

    def last_rates(self) -> dict[tuple[Lane, ...], float]:
        """Jobs per second that a worker ended at last, by the lanes it serves; it may be gone long ago."""
        with translated_errors():
            kept = cast("dict[str, str]", self._redis.hgetall(RATES))
        return {tuple(map(Lane, lanes.split(","))): float(rate) for lanes, rate in kept.items()}
