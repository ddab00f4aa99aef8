"""Which workers are alive, by their heartbeats in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import redis

from shared.errors import WorkerNotFound
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.descriptors import Lane
from shared.wire.records import WorkerInfo

SCRIPTS = ("heartbeat", "live_workers", "drain_workers", "remove_worker")
RATES = PREFIX + "worker:rates"
FORGET_AFTER_SECONDS = 3600


class WorkerRegistry:
    """Heartbeats carry the whole description, so a restarted Redis knows all workers again after one beat.

    Times are Redis' own, so that workers and those who look at them need not agree on one. All methods raise
    QueueUnavailable when Redis does not answer.
    """

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, SCRIPTS)

    def announce(self, worker: WorkerInfo) -> bool:
        """One heartbeat; answers whether the worker is to be drained."""
        told = self._scripts.run(
            "heartbeat",
            worker.id,
            worker.model_dump_json(),
            FORGET_AFTER_SECONDS * 1000,
            ",".join(worker.lanes),
            str(worker.rate or ""),
        )
        return bool(told)

    def drain(self, worker_ids: Sequence[str]) -> None:
        """From their next heartbeat on they take no more jobs, and end when they hold none; unknown ids are
        passed over.
        """
        self._scripts.run("drain_workers", *worker_ids)

    def remove(self, worker_id: str) -> None:
        """A worker that stops says so."""
        self._scripts.run("remove_worker", worker_id)

    def alive(self, within_seconds: float) -> list[WorkerInfo]:
        """The workers whose last heartbeat is at most that old, by id, with the jobs that they hold now."""
        answers = cast(
            "list[tuple[str, int, int, list[str]]]",
            self._scripts.run("live_workers", int(within_seconds * 1000)),
        )
        return sorted((_worker(*answer) for answer in answers), key=lambda worker: worker.id)

    def find(self, worker_id: str, within_seconds: float) -> WorkerInfo:
        """
        Raises:
            WorkerNotFound: none with this id is alive.
        """
        for worker in self.alive(within_seconds):
            if worker.id == worker_id:
                return worker
        raise WorkerNotFound(f"No worker {worker_id[:64]!r} was seen in the last {within_seconds:g} s")

    def last_rates(self) -> dict[tuple[Lane, ...], float]:
        """Jobs per second that a worker ended at last, by the lanes it serves; it may be gone long ago."""
        with translated_errors():
            kept = cast("dict[str, str]", self._redis.hgetall(RATES))
        return {tuple(map(Lane, lanes.split(","))): float(rate) for lanes, rate in kept.items()}


def _worker(description: str, seen_ms: int, told_to_drain: int, job_ids: Sequence[str]) -> WorkerInfo:
    """What the worker said of itself, and what is known since."""
    said = WorkerInfo.model_validate_json(description)
    known_since = {
        "busy": len(job_ids),
        "job_ids": tuple(sorted(job_ids)),
        "draining": said.draining or bool(told_to_drain),
        "last_seen_at": datetime.fromtimestamp(seen_ms / 1000, UTC),
    }
    return said.model_copy(update=known_since)
