"""What lost workers and lost messages left behind is put right here, by every living worker."""

from __future__ import annotations

from collections import defaultdict

from shared.descriptors import Lane
from shared.job_store import JobStore
from shared.queue import Dispatcher, queue_name
from shared.worker_registry import WorkerRegistry

MESSAGES_PER_SLOT = 4  # so that no slot is idle while a lane is refilled
WORKER_SEEN_SECONDS = 60
QUEUES = {lane: queue_name(lane) for lane in Lane}

RESEND_AFTER_SECONDS = (
    60  # a message that nobody claimed for so long may be lost; sending it twice is harmless
)


class Sweeper:
    """Each step is atomic and safe to run in several workers at a time."""

    def __init__(
        self, store: JobStore, dispatcher: Dispatcher, workers: WorkerRegistry, lease_seconds: float
    ) -> None:
        """A message that nobody has claimed for a lease's time may have died with a worker."""
        self._store = store
        self._workers = workers
        self._resend_after_seconds = lease_seconds
        self._dispatcher = dispatcher

    def sweep(self) -> None:
        """Ends overdue jobs, takes jobs from silent workers, sends what waits or may be lost."""
        lost = defaultdict(list)
        for lane, job_id in self._store.sweep(self._resend_after_seconds, QUEUES):
            lost[lane].append(job_id)
        for lane, job_ids in lost.items():
            self._dispatcher.publish(lane, job_ids)
        slots = sum(worker.slots for worker in self._workers.alive(WORKER_SEEN_SECONDS))
        self._store.widen_window(MESSAGES_PER_SLOT * slots)
        self._dispatcher.dispatch()
