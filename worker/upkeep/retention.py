"""Removes what ended longer ago than it is kept, and the objects that nothing wants any more."""

from __future__ import annotations

import structlog

from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.leader_lock import LeaderLock
from shared.store.retention import ExpiredRecords
from worker.telemetry.metrics import REMOVED
from worker.upkeep.removal import Removal

RETENTION_SECONDS = 5.0  # between two steps
RECORDS_PER_STEP = 300  # a batch counts as one


class Retention:
    """A step that is interrupted, or done by two workers, is done again and removes nothing else.

    A record and the note that its objects are to go change in one step, so objects without a record are known
    until they are gone, however long the storage is away.
    """

    def __init__(
        self,
        expired: ExpiredRecords,
        store: JobStore,
        batches: BatchStore,
        removal: Removal,
        leader_lock: LeaderLock,
        retention_seconds: float,
    ) -> None:
        self._expired = expired
        self._store = store
        self._batches = batches
        self._removal = removal
        self._leader_lock = leader_lock
        self._retention_seconds = retention_seconds

    def step(self) -> None:
        """Removes what is old, unless another worker does; of records up to RECORDS_PER_STEP.

        Raises:
            StorageUnavailable, QueueUnavailable: what is left of it is removed by a later step.
        """
        with self._leader_lock.held() as mine:
            if mine:
                if self._retention_seconds:
                    self._remove_records()
                self._removal.work_off()

    def _remove_records(self) -> None:
        jobs, batches = self._expired.retire(self._retention_seconds, RECORDS_PER_STEP)
        if jobs:
            origins = {job.id: job.origin for job in self._store.get_many(jobs)}
            self._expired.remove(jobs)
            REMOVED.labels("job").inc(len(jobs))
            for job_id, origin in origins.items():
                ids = origin.members() if origin else {}
                structlog.get_logger().info("job removed", job_id=job_id, **ids)
        for batch_id in batches:
            self._remove_batch(batch_id)

    def _remove_batch(self, batch_id: str) -> None:
        batch = self._batches.get(batch_id)
        self._batches.discard(batch_id)
        REMOVED.labels("batch").inc()
        ids = batch.origin.members() if batch and batch.origin else {}
        structlog.get_logger().info("batch removed", batch_id=batch_id, **ids)
