"""A cache of the workers and lanes from which forecasts are made, renewed after a second."""

from __future__ import annotations

import time

from shared.scheduling.forecast import Forecast
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry

FRESH_SECONDS = 1.0


class Forecasts:
    """A cache that threads may share; two that find it stale at a time both renew it."""

    def __init__(self, lanes: Lanes, workers: WorkerRegistry, worker_seen_seconds: float) -> None:
        self._lanes = lanes
        self._workers = workers
        self._seen_seconds = worker_seen_seconds
        self._latest: tuple[float, Forecast] | None = None

    def latest(self) -> Forecast:
        """Return a forecast at most FRESH_SECONDS old.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        now = time.monotonic()
        if self._latest is None or now - self._latest[0] > FRESH_SECONDS:
            alive = self._workers.alive(self._seen_seconds)
            load, paused = self._lanes.load(), self._lanes.paused()
            self._latest = now, Forecast(alive, load, self._seen_seconds, paused)
        return self._latest[1]
