"""The registry of workers, kept by their heartbeats in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import redis

from shared.request_errors import WorkerNotFound
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.descriptors import Lane
from shared.wire.records import WorkerInfo

SCRIPTS = ("heartbeat", "live_workers", "drain_workers", "remove_worker")
RATES = PREFIX + "worker:rates"
FORGET_AFTER_SECONDS = 3600


class WorkerRegistry:
    """Heartbeats carry the whole description, so a restarted Redis knows all workers again after one beat.

    Times are Redis' own, so clocks need not agree. All methods raise
    QueueUnavailable when Redis does not answer.
    """

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, SCRIPTS)

    def announce(self, worker: WorkerInfo) -> bool:
        """Record a heartbeat. Returns whether the worker should drain."""
        to_drain = self._scripts.run(
            "heartbeat",
            worker.id,
            worker.model_dump_json(),
            FORGET_AFTER_SECONDS * 1000,
            ",".join(worker.lanes),
            str(worker.rate or ""),
        )
        return bool(to_drain)

    def drain(self, worker_ids: Sequence[str]) -> None:
        """Let workers take no more jobs from their next heartbeat on, and end when they hold none.

        Unknown ids are ignored.
        """
        self._scripts.run("drain_workers", *worker_ids)

    def remove(self, worker_id: str) -> None:
        """Remove a worker that stops."""
        self._scripts.run("remove_worker", worker_id)

    def alive(self, within_seconds: float) -> list[WorkerInfo]:
        """Return the workers whose last heartbeat is at most that old, by id, with the jobs they hold now."""
        answers = cast(
            "list[tuple[str, int, int, list[str]]]",
            self._scripts.run("live_workers", int(within_seconds * 1000)),
        )
        return sorted((_worker(*answer) for answer in answers), key=lambda worker: worker.id)

    def find(self, worker_id: str, within_seconds: float) -> WorkerInfo:
        """
        Raises:
            WorkerNotFound: no worker with this id is alive.
        """
        for worker in self.alive(within_seconds):
            if worker.id == worker_id:
                return worker
        raise WorkerNotFound(f"No worker {worker_id[:64]!r} was seen in the last {within_seconds:g} s")

    def last_rates(self) -> dict[tuple[Lane, ...], float]:
        """Return a worker's last jobs per second, by the lanes it serves. The worker may be long gone."""
        with translated_errors():
            kept = cast("dict[str, str]", self._redis.hgetall(RATES))
        return {tuple(map(Lane, lanes.split(","))): float(rate) for lanes, rate in kept.items()}


def _worker(description: str, seen_ms: int, told_to_drain: int, job_ids: Sequence[str]) -> WorkerInfo:
    """Return the worker's own description with what is known since."""
    said = WorkerInfo.model_validate_json(description)
    known_since = {
        "busy": min(len(job_ids), said.slots),
        "job_ids": tuple(sorted(job_ids)),
        "draining": said.draining or bool(told_to_drain),
        "last_seen_at": datetime.fromtimestamp(seen_ms / 1000, UTC),
    }
    return said.model_copy(update=known_since)
