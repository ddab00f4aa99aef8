"""Writes a worker's heartbeat to Redis: that it lives, and its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.store.workers import WorkerRegistry
from shared.wire.records import EngineState, WorkerInfo
from worker.jobs.leases import Leases
from worker.model.memory import rss_bytes

HEARTBEATS_PER_WINDOW = 3  # in each `worker_seen_seconds`


@dataclass(frozen=True)
class Heartbeat:
    registry: WorkerRegistry
    leases: Leases
    info: WorkerInfo  # `beat` replaces the members that change
    engine_state: Callable[[], EngineState | None] = lambda: None
    optimize_rate: Callable[[], float | None] = lambda: None

    def beat(self, *, draining: bool) -> bool:
        """Write the worker's state to Redis; return whether somebody asked to drain it.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        changes = {
            "busy": len(self.leases),
            "rate": self.leases.rate.per_second(),
            "rss_bytes": rss_bytes(),
            "optimize_rate": self.optimize_rate(),
            "engine": self.engine_state(),
            "draining": draining,
            "last_seen_at": datetime.now(UTC),
        }
        return self.registry.announce(self.info.model_copy(update=changes))

    def stop(self) -> None:
        """Remove the worker from the list of those that live."""
        self.registry.remove(self.info.id)
