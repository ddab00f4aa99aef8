"""Jobs that failed: their list, and the steps that queue them again."""

from __future__ import annotations

from functools import partial
from typing import cast

import redis

from shared.errors import DeadLetterNotFound, JobNotFound
from shared.store.job_pages import Page, page_of
from shared.store.job_reader import JobSnapshot
from shared.store.jobs import JobStore
from shared.store.owner_lists import OwnerLists
from shared.store.redis.scripts import Scripts
from shared.wire.api_key import ALL_OWNERS
from shared.wire.records import JobStatus

REPLAYS_PER_STEP = 200  # of the script, which blocks Redis meanwhile


class DeadLetters:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, store: JobStore) -> None:
        self._store = store
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, ("replay",))

    def page(self, owner: str, *, limit: int, cursor: str | None = None, code: str | None = None) -> Page:
        """Return up to `limit` failed jobs of an owner, or of ALL_OWNERS, the newest submission first.

        None matches every code. A page with rare matches may be short.
        """
        return page_of(
            partial(self._lists.behind, "dead", owner),
            partial(self._store.look_many, owner=owner),
            partial(_is_dead, code=code),
            limit,
            cursor,
        )

    def replay(self, job_id: str, owner: str) -> JobSnapshot:
        """Queue a job of this owner, or with ALL_OWNERS of any, again with all its attempts.

        Raises:
            DeadLetterNotFound: this owner has no such job, or it did not fail.
            JobFinished: it is being removed, or its batch canceled.
        """
        try:
            found = self._store.look(job_id, owner)
        except JobNotFound:
            found = None
        if found is None or found.status is not JobStatus.FAILED:
            raise DeadLetterNotFound(f"There is no dead letter {job_id[:64]!r}")
        return self._store.retry(job_id, found.owner)

    def replay_all(self, owner: str, code: str | None) -> int:
        """Queue all with this code again, of an owner or of ALL_OWNERS. Returns how many. Safe to repeat."""
        if owner == ALL_OWNERS:
            return sum(self.replay_all(each, code) for each in self._lists.owners())
        replayed, cursor = 0, ""
        while True:
            answer = self._scripts.run("replay", owner, code or "", cursor, REPLAYS_PER_STEP)
            queued, cursor = cast("tuple[int, str]", answer)
            replayed += queued
            if not cursor:
                return replayed


def _is_dead(found: JobSnapshot, code: str | None) -> bool:
    """Return whether a job still is a dead letter; it may have been queued again since the list was read."""
    error = found.job.error
    return error is not None and code in (None, error.code)
