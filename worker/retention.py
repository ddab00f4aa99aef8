"""Removes what ended longer ago than it is kept: objects first, so that none is left without a record."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from shared.batch_objects import batch_objects
from shared.batch_store import BatchStore
from shared.ended import Ended
from shared.job_store import JobStore
from shared.storage import Storage
from shared.turns import Turn
from worker.metrics import REMOVED

RECORDS_PER_STEP = 300  # a batch counts as one


class Retention:
    """A step that is interrupted, or done by two workers, is done again and removes nothing else.

    Uploads stay: other jobs may name them, and the bucket's own lifecycle rules know their age.
    """

    def __init__(
        self,
        ended: Ended,
        store: JobStore,
        batches: BatchStore,
        storage: Storage,
        turn: Turn,
        retention_seconds: float,
    ) -> None:
        self._ended = ended
        self._store = store
        self._batches = batches
        self._storage = storage
        self._turn = turn
        self._retention_seconds = retention_seconds

    def remove_old(self) -> None:
        """Removes up to RECORDS_PER_STEP of what is old enough; nothing if retention_seconds is 0.

        Raises:
            StorageUnavailable, QueueUnavailable: what is left of it is removed by a later step.
        """
        if not self._retention_seconds:
            return
        with self._turn.taken() as mine:
            if mine:
                jobs, batches = self._ended.retire(self._retention_seconds, RECORDS_PER_STEP)
                self._remove_jobs(jobs)
                for batch_id in batches:
                    self._remove_batch(batch_id)

    def _remove_jobs(self, job_ids: Sequence[str]) -> None:
        jobs = self._store.get_many(job_ids)
        self._storage.delete_many(job.result.key for job in jobs if job.result)
        if job_ids:
            self._ended.remove(job_ids)
            REMOVED.labels("job").inc(len(job_ids))
        for job in jobs:
            ids = job.origin.members() if job.origin else {}
            structlog.get_logger().info("job removed", job_id=job.id, **ids)

    def _remove_batch(self, batch_id: str) -> None:
        batch = self._batches.get(batch_id)
        if batch:
            self._storage.delete_many(batch_objects(self._store, batch))
            self._batches.discard(batch_id)
            REMOVED.labels("batch").inc()
            ids = batch.origin.members() if batch.origin else {}
            structlog.get_logger().info("batch removed", batch_id=batch_id, **ids)
