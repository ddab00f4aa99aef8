"""Checks of whether jobs can run, made at most once a second however many probes come."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from shared.errors import StyleQueueError
from shared.storage.objects import Storage
from shared.store.redis.fitness import RedisFitness
from shared.store.workers import WorkerRegistry
from shared.wire.records import Readiness

FRESH_SECONDS = 1.0
STALE_SECONDS = 10.0  # after which the last result does not count
PENDING = "The check has not ended yet"


class ReadinessChecks:
    """A cache of the checks. Threads may share it: one checks, and the others return the last result."""

    def __init__(
        self, redis: RedisFitness, storage: Storage, workers: WorkerRegistry, worker_seen_seconds: float
    ) -> None:
        self._redis = redis
        self._storage = storage
        self._workers = workers
        self._seen_seconds = worker_seen_seconds
        self._checking = Lock()
        self._found: tuple[float, Readiness] | None = None

    def latest(self) -> Readiness:
        """Return 'ok' or an error sentence for each part that a job needs."""
        if self._age() > FRESH_SECONDS and self._checking.acquire(blocking=False):
            try:
                self._found = time.monotonic(), self._look()
            finally:
                self._checking.release()
        if self._found is None or self._age() > STALE_SECONDS:
            return Readiness(redis=PENDING, bucket=PENDING, worker=PENDING)
        return self._found[1]

    def _age(self) -> float:
        return time.monotonic() - self._found[0] if self._found else float("inf")

    def _look(self) -> Readiness:
        return Readiness(
            redis=_state(self._redis.check_eviction),
            bucket=_state(self._storage.check),
            worker=_state(self._any_worker),
        )

    def _any_worker(self) -> None:
        if not self._workers.alive(self._seen_seconds):
            raise StyleQueueError(f"No worker was seen in the last {self._seen_seconds:g} s")


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except StyleQueueError as error:
        return error.detail
    return "ok"
