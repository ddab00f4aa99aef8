"""What lost workers and lost messages left behind is put right here, by every living worker."""

from __future__ import annotations

from collections import defaultdict

from shared.descriptors import Lane
from shared.job_store import JobStore
from shared.queue import Dispatcher, queue_name
from shared.settings import Settings
from shared.worker_registry import WorkerRegistry

MESSAGES_PER_SLOT = 4  # so that no slot is idle while a lane is refilled
QUEUES = {lane: queue_name(lane) for lane in Lane}


class Sweeper:
    """Each step is atomic and safe to run in several workers at a time."""

    def __init__(
        self, store: JobStore, dispatcher: Dispatcher, workers: WorkerRegistry, settings: Settings
    ) -> None:
        self._store = store
        self._workers = workers
        self._resend_after_seconds = settings.lease_seconds  # an unclaimed message may be lost
        self._worker_seen_seconds = settings.worker_seen_seconds
        self._dispatcher = dispatcher

    def sweep(self) -> None:
        """Ends overdue jobs, takes jobs from silent workers, sends what waits or may be lost."""
        lost = defaultdict(list)
        for lane, job_id in self._store.sweep(self._resend_after_seconds, QUEUES):
            lost[lane].append(job_id)
        for lane, job_ids in lost.items():
            self._dispatcher.publish(lane, job_ids)
        slots = sum(worker.slots for worker in self._workers.alive(self._worker_seen_seconds))
        self._store.widen_window(MESSAGES_PER_SLOT * slots)
        self._dispatcher.dispatch()
