"""Jobs that failed for good: an owner's list of them, and how they are queued again."""

from __future__ import annotations

from typing import cast

import redis

from shared.errors import DeadLetterNotFound, JobNotFound
from shared.job_store import RECORDS_PER_SCAN, SCANNED_PER_PAGE, JobStore, Page, Placed
from shared.records import JobStatus
from shared.redis_client import translated_errors
from shared.redis_scripts import PREFIX, Scripts

REPLAYS_PER_STEP = 200  # of the script, which keeps Redis from others meanwhile


class DeadLetters:
    """All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis, store: JobStore) -> None:
        self._redis = connection
        self._store = store
        self._scripts = Scripts(connection, ("replay",))

    def page(self, owner: str, *, limit: int, cursor: str | None = None, code: str | None = None) -> Page:
        """Up to `limit` of an owner's failed jobs, the newest submission first; None matches every code.

        Looks at SCANNED_PER_PAGE records at the most, so a page with rare matches may be short.
        """
        found: list[Placed] = []
        for _ in range(SCANNED_PER_PAGE // RECORDS_PER_SCAN):
            ids = self._ids_behind(owner, cursor)
            found += [placed for placed in self._store.look_many(ids, owner) if _is_dead(placed, code)]
            if len(found) > limit:
                return Page(tuple(found[:limit]), found[limit - 1].job_id)
            if len(ids) < RECORDS_PER_SCAN:
                return Page(tuple(found), None)
            cursor = ids[-1]
        return Page(tuple(found), cursor)

    def replay(self, job_id: str, owner: str) -> Placed:
        """Queues one of them again, with all its attempts.

        Raises:
            DeadLetterNotFound: this owner has no such job, or it did not fail.
            JobFinished: it is being removed, or its batch canceled.
        """
        try:
            placed = self._store.look(job_id, owner)
        except JobNotFound:
            placed = None
        if placed is None or placed.status is not JobStatus.FAILED:
            raise DeadLetterNotFound(f"There is no dead letter {job_id[:64]!r}")
        return self._store.retry(job_id, owner)

    def replay_all(self, owner: str, code: str | None) -> int:
        """Queues all of them with this code again; answers how many. Interrupted, it is safe to repeat."""
        replayed, cursor = 0, ""
        while True:
            answer = self._scripts.run("replay", owner, code or "", cursor, REPLAYS_PER_STEP)
            queued, cursor = cast("tuple[int, str]", answer)
            replayed += queued
            if not cursor:
                return replayed

    def _ids_behind(self, owner: str, cursor: str | None) -> list[str]:
        top = f"({cursor}" if cursor else "+"
        with translated_errors():
            ids = self._redis.zrevrangebylex(
                PREFIX + "dead:" + owner, top, "-", start=0, num=RECORDS_PER_SCAN
            )
        return cast("list[str]", ids)


def _is_dead(placed: Placed, code: str | None) -> bool:
    """Not if it was queued again since the list was read."""
    error = placed.job.error
    return error is not None and code in (None, error.code)
