"""Bulk actions in Redis: counted, confirmed by the count, and done in bounded steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import uuid4

import redis
import structlog

from shared.errors import QueueUnavailable
from shared.ids import new_bulk_id, new_job_id
from shared.request_errors import ActionNotFound, ActionNotReady, TooMuchPending
from shared.store.codecs.job import time_of
from shared.store.job_reader import JobSnapshot
from shared.store.jobs import JobStore
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.wire.bulk_records import Action, BulkAction, BulkStatus
from shared.wire.job_filter import JobFilter
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import FINAL, JobStatus

SCRIPTS = (
    "create_bulk",
    "confirm_bulk",
    "lease_bulk",
    "note_bulk",
    "forget_bulk",
    "cancel",
    "retry",
    "delete",
)
MOST_OPEN, MOST_KEPT = 10, 100  # of an owner: those that are not done, and those that are
KEPT_SECONDS = 7 * 86_400
LEASE_SECONDS = 30  # of one step, which takes a fraction of a second
JOBS_PER_STEP = 200  # changed; as many as of other steps that walk through jobs
STEPS_PER_SWEEP = 20  # of a worker, for all actions

RETRIED = FINAL - {JobStatus.SUCCEEDED}
MEANT = {  # the jobs that an action can change, by status
    Action.CANCEL: frozenset({JobStatus.QUEUED, JobStatus.RUNNING}),
    Action.RETRY: RETRIED,
    Action.DELETE: FINAL | {JobStatus.QUEUED},
}
# What the steps return for a job that ended, or went, before the action reached it.
UNCHANGED = (None, 0, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.EXPIRED)


class BulkActions:
    """All methods raise QueueUnavailable when Redis does not respond.

    A record that cannot be read counts as none. It can be removed by its id, and expires like the others.
    """

    def __init__(self, connection: redis.Redis, store: JobStore) -> None:
        self._redis = connection
        self._store = store
        self._scripts = Scripts(connection, SCRIPTS)

    def create(self, owner: str, of: str, action: Action, wanted: JobFilter) -> str:
        """Make an action of `owner` for the jobs `of` an owner, or of ALL_OWNERS; return its id.

        Jobs that are created later are not part of it.

        Raises:
            TooMuchPending: the owner has too many that are not done.
        """
        action_id = new_bulk_id()
        start = "" if wanted.batch_id else new_job_id()
        text = wanted.model_dump_json(exclude_none=True)
        limits = (MOST_OPEN, MOST_KEPT, KEPT_SECONDS)
        if not self._scripts.run("create_bulk", action_id, owner, of, action, text, start, *limits):
            raise TooMuchPending(f"{MOST_OPEN} bulk actions are not done yet; confirm or delete one of them")
        return action_id

    def look(self, action_id: str, owner: str) -> BulkAction:
        """
        Raises:
            ActionNotFound: this owner, or with ALL_OWNERS anybody, has no such action.
        """
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "bulk:" + action_id))
        found = _read(action_id, fields)
        if found is None or owner not in (ALL_OWNERS, fields.get("owner")):
            raise _not_found(action_id)
        return found

    def of_owner(self, owner: str) -> list[BulkAction]:
        """Return an owner's actions of the last week, newest first."""
        with translated_errors():
            ids = cast("list[str]", self._redis.zrevrange(PREFIX + "bulks:" + owner, 0, -1))
            with self._redis.pipeline(transaction=False) as pipeline:
                for action_id in ids:
                    pipeline.hgetall(PREFIX + "bulk:" + action_id)
                records = cast("list[dict[str, str]]", pipeline.execute())
        return list(filter(None, map(_read, ids, records)))

    def confirm(self, action_id: str, owner: str, count: int) -> None:
        """Let a counted action begin. Confirming it again does nothing.

        Raises:
            ActionNotFound: see `look`.
            ActionNotReady: it is still counting, or counted another number.
        """
        found = self._scripts.run("confirm_bulk", action_id, owner, count)
        if found is None:
            raise _not_found(action_id)
        status, matched = cast("tuple[str, int]", found)
        if status == BulkStatus.COUNTING:
            raise ActionNotReady(f"The action is still counting: {matched:,} jobs so far")
        if count != matched:
            raise ActionNotReady(f"The action is about {matched:,} jobs, not {count:,}", "/count")

    def forget(self, action_id: str, owner: str) -> None:
        """Stop and remove an action.

        Raises:
            ActionNotFound: see `look`.
        """
        if not self._scripts.run("forget_bulk", action_id, owner):
            raise _not_found(action_id)

    def advance(self, action_id: str) -> bool:
        """Do the next step, which reads a few thousand records at the most. Returns whether there was one.

        A process that dies before the step is noted repeats it later, which changes no job twice.
        """
        token = uuid4().hex
        fields = pairs(self._scripts.run("lease_bulk", action_id, token, LEASE_SECONDS * 1000) or ())
        action = _read(action_id, fields)
        if action is None:
            if fields:
                self._set_aside(action_id)
            return False
        acts = action.status is BulkStatus.RUNNING
        left = action.matched - action.looked if acts else JOBS_PER_STEP
        page = self._store.scan(action.of, action.filter, JOBS_PER_STEP, fields["cursor"] or None)
        found = [each for each in page.jobs if _is_meant(each, action.action, fields)][:left]
        changed = self._change(action.action, found) if acts else 0
        over = page.cursor is None or (acts and len(found) >= left)
        self._scripts.run(
            "note_bulk", action_id, token, len(found), changed, "" if over else page.cursor or ""
        )
        return True

    def sweep(self) -> None:
        """Go on with actions, a bounded number of steps for all of them.

        An action that cannot go on does not stop the others. It is tried again when its lease has ended.
        """
        with translated_errors():
            working = sorted(cast("set[str]", self._redis.smembers(PREFIX + "bulk_working")))
        steps = STEPS_PER_SWEEP
        while working and steps > 0:
            working = [each for each in working[:steps] if self._advance_alone(each)]
            steps -= max(1, len(working))

    def _advance_alone(self, action_id: str) -> bool:
        """Do the next step and log a failure, unless Redis does not respond."""
        try:
            return self.advance(action_id)
        except QueueUnavailable:
            raise
        except Exception:
            structlog.get_logger().exception("bulk action failed", action_id=action_id)
            return False

    def _set_aside(self, action_id: str) -> None:
        """Let no sweep try an action again whose record is damaged."""
        structlog.get_logger().error("bulk action damaged", action_id=action_id)
        with translated_errors():
            self._redis.srem(PREFIX + "bulk_working", action_id)

    def _change(self, action: Action, found: list[JobSnapshot]) -> int:
        """Do the action to each job in a step of its own, in one round trip. Returns how many it changed."""
        calls = [(each.job_id, each.owner) for each in found]
        answers = self._scripts.run_each(self._redis, action, calls)
        return sum(answer not in UNCHANGED for answer in answers)


def _is_meant(job: JobSnapshot, action: Action, fields: Mapping[str, str]) -> bool:
    """Return whether an action is for a job: an adopted action is for the jobs that were adopted with it."""
    adopted_from = fields.get("adopted_from")
    return job.status in MEANT[action] and adopted_from in (None, job.fields.get("adopted_from"))


def _read(action_id: str, fields: Mapping[str, str]) -> BulkAction | None:
    """Return the action that a record describes; None without a record, or if it is damaged."""
    try:
        return _decoded(action_id, fields) if fields else None
    except (KeyError, ValueError):
        return None


def _decoded(action_id: str, fields: Mapping[str, str]) -> BulkAction:
    numbers = {name: int(fields[name]) for name in ("matched", "looked", "changed")}
    return BulkAction(
        id=action_id,
        action=Action(fields["action"]),
        filter=JobFilter.model_validate_json(fields["filter"]),
        of=fields["of"],
        status=BulkStatus(fields["status"]),
        created_at=time_of(fields["created_ms"]),
        **numbers,
    )


def _not_found(action_id: str) -> ActionNotFound:
    return ActionNotFound(f"There is no bulk action {action_id[:64]!r}")
