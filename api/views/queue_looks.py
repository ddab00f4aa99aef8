"""A cache of the lanes and workers that /v1/queue shows, renewed after a second."""

from __future__ import annotations

import time

from shared.scheduling.queue_look import QueueLook
from shared.store.counts.queue_state import QueueState
from shared.store.workers import WorkerRegistry

FRESH_SECONDS = 1.0


class QueueLooks:
    """A cache that threads may share; two that find it stale at a time both renew it."""

    def __init__(self, state: QueueState, workers: WorkerRegistry, worker_seen_seconds: float) -> None:
        self.state = state
        self._workers = workers
        self._seen_seconds = worker_seen_seconds
        self._latest: tuple[float, QueueLook] | None = None

    def latest(self) -> QueueLook:
        """Return a look at most FRESH_SECONDS old.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        now = time.monotonic()
        if self._latest is None or now - self._latest[0] > FRESH_SECONDS:
            self._latest = now, self._look()
        return self._latest[1]

    def _look(self) -> QueueLook:
        return QueueLook(
            self.state.look(),
            tuple(self._workers.alive(self._seen_seconds)),
            self._workers.last_rates(),
            self.state.chores(),
        )
