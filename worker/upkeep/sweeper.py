"""Recovers from lost workers and lost messages; one living worker does it for all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from shared.broker.queue import Dispatcher, queue_name
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.bulk_actions import BulkActions
from shared.store.counts.series import Series
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from worker.telemetry.metrics import RESENT, SWEEP_SECONDS

MESSAGES_PER_SLOT = 4  # enough that no slot is idle while a lane is refilled
QUEUES = {lane: queue_name(lane) for lane in Lane}


@dataclass(frozen=True)
class Sweeper:
    """Sweeps at intervals. Each step is atomic, so the leader lock only saves work."""

    lanes: Lanes
    batches: BatchStore
    bulk_actions: BulkActions
    series: Series
    dispatcher: Dispatcher
    workers: WorkerRegistry
    leader_lock: LeaderLock
    settings: Settings

    def sweep(self) -> None:
        """Sweep, unless another worker does."""
        with self.leader_lock.held() as mine:
            if mine:
                with SWEEP_SECONDS.time():
                    self._sweep()

    def _sweep(self) -> None:
        """End expired jobs, requeue the jobs of silent workers, and send waiting and lost messages.

        End batches whose reader was lost, and go on with batches that are being canceled and with bulk
        actions. Requeue parked jobs
        if a worker lives now that understands their record version. Note the totals of now.
        """
        lost = defaultdict(list)
        # a message that was not claimed for the length of a lease may be lost
        for lane, message in self.lanes.sweep(self.settings.lease_seconds, QUEUES):
            lost[lane].append(message)
        for lane, messages in lost.items():
            self.dispatcher.publish(lane, messages)
            RESENT.labels(lane).inc(len(messages))
        self.batches.sweep()
        workers = self.workers.alive(self.settings.worker_seen_seconds)
        self.lanes.widen_window(MESSAGES_PER_SLOT * sum(worker.slots for worker in workers))
        for lane in Lane:
            levels = [worker.level for worker in workers if lane in worker.lanes]
            if levels:
                self.lanes.unpark(lane, max(levels))
        self.dispatcher.dispatch()
        self.series.sample()
        self.bulk_actions.sweep()
