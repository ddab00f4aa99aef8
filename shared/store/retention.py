"""What ended long ago: marked, so that it is not tried again, and removed once its objects are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import redis

from shared.ids import JOB
from shared.store.redis.scripts import Scripts


class ExpiredRecords:
    """All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scripts = Scripts(connection, ("retire", "remove_retired"))

    def retire(self, after_seconds: float, number: int) -> tuple[list[str], list[str]]:
        """Up to `number` ids of jobs and batches that ended longer ago; from now on nobody tries them again.

        They are answered again until they are removed. Jobs of a batch are retired with it.
        """
        ids = cast("list[str]", self._scripts.run("retire", int(after_seconds * 1000), number))
        jobs = [job_id for job_id in ids if job_id.startswith(JOB)]
        return jobs, [batch_id for batch_id in ids if not batch_id.startswith(JOB)]

    def remove(self, job_ids: Sequence[str]) -> None:
        """Removes the records of retired jobs without a batch."""
        self._scripts.run("remove_retired", *job_ids)
