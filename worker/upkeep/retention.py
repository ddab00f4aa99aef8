"""Removes records after their retention time, and objects that no record refers to any more."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from shared.store.batches import BatchStore
from shared.store.leader_lock import LeaderLock
from shared.store.objects.retention import ExpiredRecords
from worker.telemetry.metrics import REMOVED
from worker.upkeep.removal import Removal

RETENTION_SECONDS = 5.0  # between two steps
RECORDS_PER_STEP = 300  # a batch counts as one


@dataclass(frozen=True)
class Retention:
    """Removes old records and orphaned objects, step by step.

    An interrupted step, or one that two workers do, is done again and removes nothing else. Redis deletes a
    record and lists its objects as garbage at once, so orphaned objects stay listed until they are deleted,
    however long the storage is away.
    """

    expired: ExpiredRecords
    batches: BatchStore
    removal: Removal
    leader_lock: LeaderLock
    retention_seconds: float

    def step(self) -> None:
        """Remove up to RECORDS_PER_STEP old records and some objects, unless another worker does.

        Raises:
            StorageUnavailable, QueueUnavailable: a later step removes the rest.
        """
        with self.leader_lock.held() as mine:
            if mine:
                if self.retention_seconds:
                    self._remove_records()
                self.removal.work_off()

    def _remove_records(self) -> None:
        jobs, batches = self.expired.retire(self.retention_seconds, RECORDS_PER_STEP)
        if jobs:
            self.expired.remove(jobs)
        for batch_id in batches:
            self.batches.discard(batch_id)
        REMOVED.labels("job").inc(len(jobs))
        REMOVED.labels("batch").inc(len(batches))
        if jobs or batches:
            structlog.get_logger().info("records removed", jobs=len(jobs), batches=len(batches))
