"""Garbage collection of objects: the step that orphans one notes it, and workers remove it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts

SCRIPTS = ("lease_orphans", "forget_orphans", "count_uploads", "recount_uploads")
LEASE_SECONDS = 300
# Uploads whose jobs were deleted go at once, except those announced so lately that a job may yet name them.
KEPT_IF_DELETED_SECONDS = timedelta(hours=1).total_seconds()
JOBS_PER_STEP = 200


@dataclass(frozen=True)
class LeasedObjects:
    """Keys of objects to remove; times in milliseconds by Redis' clock."""

    keys: tuple[str, ...]
    at_ms: int
    until_ms: int
    all_counted: bool


class ObjectGarbage:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, SCRIPTS)

    def take(self, number: int, uploads_kept_seconds: float) -> LeasedObjects:
        """Lease up to `number` objects of each kind. Until the lease ends no job can name them.

        An upload that no job names is kept for `uploads_kept_seconds` from its announcement; 0 keeps it for
        ever. No upload is taken until the uploads of all jobs are counted (`count_all`).
        """
        kept_ms = str(int(uploads_kept_seconds * 1000)) if uploads_kept_seconds else ""
        kept_if_deleted_ms = int(min(uploads_kept_seconds, KEPT_IF_DELETED_SECONDS) * 1000)
        at_ms, until_ms, counted, *keys = self._scripts.run(
            "lease_orphans", number, LEASE_SECONDS * 1000, kept_ms, kept_if_deleted_ms
        )
        return LeasedObjects(tuple(keys), at_ms, until_ms, bool(counted))

    def forget(self, leased: LeasedObjects, keys: Iterable[str]) -> None:
        """Note that these objects are removed."""
        self._scripts.run("forget_orphans", leased.until_ms, *keys)

    def forget_doomed(self, keys: Iterable[str]) -> None:
        """Like `forget`, for unleased keys whose job or batch the caller just deleted."""
        self._scripts.run("forget_orphans", "", *keys)

    def count_all(self) -> int:
        """Count the uploads of jobs that an older version created. Returns the number of these jobs.

        If there are none and the counts still disagree, an older version removed jobs without counting: then
        the next call counts all jobs anew.
        """
        counted = 0
        with translated_errors():
            ids = (key.removeprefix(PREFIX + "job:") for key in self._keys("job:*"))
            while some := list(islice(ids, JOBS_PER_STEP)):
                counted += cast("int", self._scripts.run("count_uploads", *some))
        if not counted:
            self._scripts.run("recount_uploads")
        return counted

    def _keys(self, pattern: str) -> Iterable[str]:
        return cast("Iterable[str]", self._redis.scan_iter(match=PREFIX + pattern, count=1000))
