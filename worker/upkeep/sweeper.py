"""What lost workers and lost messages left behind is put right here, by one living worker for all."""

from __future__ import annotations

from collections import defaultdict

from shared.broker.queue import Dispatcher, queue_name
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from worker.telemetry.metrics import RESENT, SWEEP_SECONDS

MESSAGES_PER_SLOT = 4  # so that no slot is idle while a lane is refilled
QUEUES = {lane: queue_name(lane) for lane in Lane}


class Sweeper:
    """Each step is atomic and safe in several workers at a time; that one does it for all only saves work."""

    def __init__(
        self,
        lanes: Lanes,
        batches: BatchStore,
        dispatcher: Dispatcher,
        workers: WorkerRegistry,
        leader_lock: LeaderLock,
        settings: Settings,
    ) -> None:
        self._lanes = lanes
        self._batches = batches
        self._workers = workers
        self._leader_lock = leader_lock
        self._resend_after_seconds = settings.lease_seconds  # an unclaimed message may be lost
        self._worker_seen_seconds = settings.worker_seen_seconds
        self._dispatcher = dispatcher

    def sweep(self) -> None:
        """Sweeps, unless another worker does."""
        with self._leader_lock.held() as mine:
            if mine:
                with SWEEP_SECONDS.time():
                    self._sweep()

    def _sweep(self) -> None:
        """Ends overdue jobs, takes jobs from silent workers, sends what waits or may be lost.

        Ends batches whose reader was lost, and goes on with those that are being canceled. Lets jobs wait
        again that no worker understood, if there is one now that does.
        """
        lost = defaultdict(list)
        for lane, message in self._lanes.sweep(self._resend_after_seconds, QUEUES):
            lost[lane].append(message)
        for lane, messages in lost.items():
            self._dispatcher.publish(lane, messages)
            RESENT.labels(lane).inc(len(messages))
        self._batches.sweep()
        workers = self._workers.alive(self._worker_seen_seconds)
        self._lanes.widen_window(MESSAGES_PER_SLOT * sum(worker.slots for worker in workers))
        for lane in Lane:
            levels = [worker.level for worker in workers if lane in worker.lanes]
            if levels:
                self._lanes.unpark(lane, max(levels))
        self._dispatcher.dispatch()
