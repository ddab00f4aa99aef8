"""Expired records: marked first, so nobody retries them, and removed after their objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import redis

from shared.ids import JOB
from shared.store.redis.scripts import Scripts


class ExpiredRecords:
    """Records whose time is over. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scripts = Scripts(connection, ("retire", "remove_retired"))

    def retire(self, after_seconds: float, number: int) -> tuple[list[str], list[str]]:
        """Mark up to `number` jobs and batches that ended longer ago, and return their ids.

        From then on nobody can retry them, nor the jobs of the batches. They are returned again until they
        are removed.
        """
        ids = cast("list[str]", self._scripts.run("retire", int(after_seconds * 1000), number))
        jobs = [job_id for job_id in ids if job_id.startswith(JOB)]
        return jobs, [batch_id for batch_id in ids if not batch_id.startswith(JOB)]

    def remove(self, job_ids: Sequence[str]) -> None:
        """Remove the records of retired jobs without a batch."""
        self._scripts.run("remove_retired", *job_ids)
