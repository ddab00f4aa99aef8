"""Jobs that failed: their list, and the steps that queue them again."""

from __future__ import annotations

from typing import cast

import redis

from shared.request_errors import DeadLetterNotFound, JobNotFound
from shared.store.job_pages import Page
from shared.store.job_reader import JobSnapshot
from shared.store.jobs import JobStore
from shared.store.owner_lists import OwnerLists
from shared.store.redis.scripts import Scripts
from shared.wire.job_filter import EVERY_JOB, Conditions, JobFilter
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobStatus

REPLAYS_PER_STEP = 200  # of the script, which blocks Redis meanwhile


class DeadLetters:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, store: JobStore) -> None:
        self._store = store
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, ("replay",))

    def page(
        self, owner: str, wanted: Conditions = EVERY_JOB, *, limit: int, cursor: str | None = None
    ) -> Page:
        """Return up to `limit` failed jobs of an owner, or of ALL_OWNERS, that meet the conditions.

        See `JobReader.page`.
        """
        return self._store.page(owner, JobFilter.of_failed(wanted), limit=limit, cursor=cursor)

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
