"""Looks at the workers and lanes: for forecasts, and as /v1/queue shows them."""

from __future__ import annotations

from api.fresh import Fresh
from shared.scheduling.forecast import Forecast
from shared.scheduling.queue_look import QueueLook
from shared.store.counts.queue_state import QueueState
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry


def forecasts(lanes: Lanes, workers: WorkerRegistry, worker_seen_seconds: float) -> Fresh[Forecast]:
    """Return a cache that raises QueueUnavailable when Redis does not respond."""

    def read() -> Forecast:
        alive = workers.alive(worker_seen_seconds)
        return Forecast(alive, lanes.load(), worker_seen_seconds, lanes.paused())

    return Fresh(read)


def queue_looks(state: QueueState, workers: WorkerRegistry, worker_seen_seconds: float) -> Fresh[QueueLook]:
    """Return a cache that raises QueueUnavailable when Redis does not respond."""

    def read() -> QueueLook:
        alive = tuple(workers.alive(worker_seen_seconds))
        return QueueLook(state.look(), alive, workers.last_rates(), state.chores())

    return Fresh(read)
