"""Jobs that failed for good: the list of them, and how they are queued again."""

from __future__ import annotations

from functools import partial
from typing import cast

import redis

from shared.errors import DeadLetterNotFound, JobNotFound
from shared.store.job_pages import Page, page_of
from shared.store.jobs import JobSnapshot, JobStore
from shared.store.owner_lists import OwnerLists
from shared.store.redis.scripts import Scripts
from shared.wire.api_key import ALL_OWNERS
from shared.wire.records import JobStatus

REPLAYS_PER_STEP = 200  # of the script, which keeps Redis from others meanwhile


class DeadLetters:
    """All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis, store: JobStore) -> None:
        self._store = store
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, ("replay",))

    def page(self, owner: str, *, limit: int, cursor: str | None = None, code: str | None = None) -> Page:
        """Return up to `limit` failed jobs of an owner, or of ALL_OWNERS; None matches every code.

        The newest submission comes first. A page with rare matches may be short.
        """
        return page_of(
            partial(self._lists.behind, "dead", owner),
            partial(self._store.look_many, owner=owner),
            partial(_is_dead, code=code),
            limit,
            cursor,
        )

    def replay(self, job_id: str, owner: str) -> JobSnapshot:
        """Queue one of this owner's again, or with ALL_OWNERS of any, with all its attempts.

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
        return self._store.retry(job_id, placed.owner)

    def replay_all(self, owner: str, code: str | None) -> int:
        """Queue all with this code again, of an owner or of ALL_OWNERS. Returns how many.

        If it is interrupted, it is safe to repeat.
        """
        if owner == ALL_OWNERS:
            return sum(self.replay_all(each, code) for each in self._lists.owners())
        replayed, cursor = 0, ""
        while True:
            answer = self._scripts.run("replay", owner, code or "", cursor, REPLAYS_PER_STEP)
            queued, cursor = cast("tuple[int, str]", answer)
            replayed += queued
            if not cursor:
                return replayed


def _is_dead(placed: JobSnapshot, code: str | None) -> bool:
    """Return whether a job still is a dead letter; it may have been queued again since the list was read."""
    error = placed.job.error
    return error is not None and code in (None, error.code)
