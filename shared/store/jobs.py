"""Job records in Redis. Each transition is one Lua script (lua/), guarded by status and claim token."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, cast
from uuid import uuid4

import redis

from shared.errors import (
    IdempotencyKeyReused,
    JobFinished,
    JobNotFinished,
    JobNotFound,
    MustRunAlone,
    RecordTooNew,
)
from shared.ids import lines_between, new_job_id
from shared.policy.idempotency import Idempotency
from shared.policy.queue_limits import NO_LIMITS, QueueLimits
from shared.request_context import Origin
from shared.store.codecs.created import check_created
from shared.store.codecs.job import decode_job, encode_request, level_of, tags_of
from shared.store.job_pages import Page, page_of
from shared.store.notifications import wait_for_change
from shared.store.owner_lists import Ids, OwnerLists
from shared.store.recovery_log import log_recovery_actions
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.wire.api_key import ALL_OWNERS
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.loss_records import JobProgress
from shared.wire.record_version import LEVEL
from shared.wire.records import FINAL, Job, JobError, JobResult, JobStatus

SCRIPTS = (
    "create",
    "job_snapshot",
    "claim",
    "claim_next",
    "renew",
    "finish",
    "release",
    "cancel",
    "retry",
    "delete",
)
JOBS_PER_CREATE = 200
NO_PROGRESS: Mapping[str, JobProgress] = {}


@dataclass(frozen=True)
class Claim:
    """The right to work on a job, until its lease ends or the token is replaced."""

    job: Job
    token: str


@dataclass(frozen=True)
class JobSnapshot:
    """A job and its place among the waiting jobs of its lane, from 1; None if it has none.

    Who asks only whether it has changed is spared the decoding.
    """

    job_id: str
    fields: Mapping[str, str]
    position: int | None

    @cached_property
    def job(self) -> Job:
        return decode_job(self.job_id, self.fields)

    @property
    def owner(self) -> str:
        return self.fields["owner"]

    @property
    def seq(self) -> int:
        return int(self.fields["seq"])

    @property
    def lane(self) -> Lane:
        return Lane(self.fields["lane"])

    @property
    def needs(self) -> int:
        """The level that its worker must have."""
        return level_of(self.fields)

    @property
    def status(self) -> JobStatus:
        return JobStatus(self.fields["status"])

    @property
    def tags(self) -> tuple[str, ...]:
        return tags_of(self.fields)

    @property
    def finished(self) -> bool:
        return self.status in FINAL


class JobStore:
    """The truth about every job. All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, SCRIPTS)

    # --- accepting ----------------------------------------------------------------------------

    def create(
        self,
        owner: str,
        requests: Iterable[JobRequest],
        max_attempts: int,
        limits: QueueLimits = NO_LIMITS,
        origin: Origin | None = None,
        root: str = "",
    ) -> list[str]:
        """Writes a queued record for each request and answers the new ids, which sort by time.

        `max_attempts` is for requests that do not say; the links of their webhooks begin with `root`. The
        requests are written in chunks; each is atomic.

        Raises:
            QueueFull: more than `limits` would wait.
            OutputKeyTaken: another job has the place that a request chose for its picture.
            UploadBeingRemoved: nothing had named it for long; it is to be announced again.
        """
        options = json.dumps({"owner": owner, **limits.as_options(), **_origin_option(origin)})
        ids: list[str] = []
        chunk: list[str] = []
        for request in requests:
            ids.append(new_job_id())
            chunk.append(encode_request(ids[-1], owner, request, max_attempts, root))
            if len(chunk) == JOBS_PER_CREATE:
                check_created(self._scripts.run("create", options, *chunk), limits)
                chunk.clear()
        if chunk:
            check_created(self._scripts.run("create", options, *chunk), limits)
        return ids

    def create_once(
        self,
        owner: str,
        request: JobRequest,
        max_attempts: int,
        key: str,
        limits: QueueLimits = NO_LIMITS,
        origin: Origin | None = None,
        root: str = "",
    ) -> str:
        """As `create`, for one request; the same key and request within a day answer the first id.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            QueueFull, OutputKeyTaken, UploadBeingRemoved: as `create`.
        """
        job_id = new_job_id()
        once = Idempotency.of(owner, key, _digested(request))
        options = {"owner": owner, **limits.as_options(), **once.as_options(), **_origin_option(origin)}
        record = encode_request(job_id, owner, request, max_attempts, root)
        answer = check_created(self._scripts.run("create", json.dumps(options), record), limits)
        if answer[0] != "before":
            return job_id
        first_digest, first_id = answer[1].split(" ")
        if first_digest != once.digest:
            raise IdempotencyKeyReused("This Idempotency-Key came with another request before")
        return str(first_id)

    # --- reading ------------------------------------------------------------------------------

    def owner_of(self, job_id: str) -> str:
        """
        Raises:
            JobNotFound: there is no such job.
        """
        with translated_errors():
            owner = cast("str | None", self._redis.hget(PREFIX + "job:" + job_id, "owner"))
        if owner is None:
            raise _not_found(job_id)
        return owner

    def get(self, job_id: str, owner: str = ALL_OWNERS) -> Job:
        """Return this owner's job, or, by default, a job of any owner.

        Raises:
            JobNotFound: there is no such job, or it is another owner's.
        """
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "job:" + job_id))
        if not fields or owner not in (ALL_OWNERS, fields["owner"]):
            raise _not_found(job_id)
        return decode_job(job_id, fields)

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that are there, of whatever owner."""
        return [snapshot.job for snapshot in self._records(job_ids, ALL_OWNERS)]

    def look(self, job_id: str, owner: str) -> JobSnapshot:
        """Return this owner's job, or with ALL_OWNERS any, and its place in its lane.

        Raises:
            JobNotFound: there is no such job, or it is another owner's.
        """
        answer = self._scripts.run("job_snapshot", job_id, owner)
        if answer is None:
            raise _not_found(job_id)
        return _placed(job_id, answer)

    def look_many(self, job_ids: Sequence[str], owner: str) -> list[JobSnapshot]:
        """Return the jobs that are there and this owner's, in the order asked for."""
        answers = self._scripts.run_each(self._redis, "job_snapshot", [(job_id, owner) for job_id in job_ids])
        return [_placed(job_id, answer) for job_id, answer in zip(job_ids, answers, strict=True) if answer]

    def page(
        self,
        owner: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: JobStatus | None = None,
        tag: str | None = None,
        batch_id: str | None = None,
    ) -> Page:
        """Return up to `limit` jobs of an owner, or of ALL_OWNERS, with this status and tag, newest first.

        None matches all. A batch's jobs come by line. A page with rare matches may be short.
        """

        def wanted(placed: JobSnapshot) -> bool:
            return status in (None, placed.status) and (tag is None or tag in placed.tags)

        behind = partial(self._lists.behind, "jobs", owner)
        if batch_id is not None:
            behind = partial(self._lines_behind, owner, batch_id)
        elif tag is not None and owner != ALL_OWNERS:
            behind = partial(self._tagged_behind, owner, tag)
        filtered = status is not None or tag is not None
        found = page_of(behind, partial(self._records, owner=owner), wanted, limit, cursor, filtered=filtered)
        placed = self.look_many([snapshot.job_id for snapshot in found.jobs], owner)
        return Page(tuple(filter(wanted, placed)), found.cursor)

    def _records(self, job_ids: Sequence[str], owner: str) -> list[JobSnapshot]:
        """Like `look_many`, without positions."""
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hgetall(PREFIX + "job:" + job_id)
            records = cast("list[dict[str, str]]", pipeline.execute())
        return [
            JobSnapshot(job_id, fields, None)
            for job_id, fields in zip(job_ids, records, strict=True)
            if fields and owner in (ALL_OWNERS, fields["owner"])
        ]

    def counts(self, owner: str) -> dict[JobStatus, int]:
        """How many jobs of an owner have each status."""
        with translated_errors():
            counts = cast("dict[str, str]", self._redis.hgetall(PREFIX + "counts:" + owner))
        return {status: int(counts.get(status, 0)) for status in JobStatus}

    def wait(self, job_id: str, owner: str, seen_seq: int | None, timeout_seconds: float) -> JobSnapshot:
        """The job once it has finished, or has another seq than the one seen, or the time is over."""
        return wait_for_change(
            self._redis, job_id, lambda: self.look(job_id, owner), seen_seq, timeout_seconds
        )

    # --- working ------------------------------------------------------------------------------

    def claim(
        self,
        job_id: str,
        lease_seconds: float,
        process: str | None = None,
        *,
        alone: bool = False,
        level: int = LEVEL,
    ) -> Claim | None:
        """Takes a queued job, or one whose lease has ended; None if it is not to be had.

        `process` names the one that other jobs may share; None: it has no other. `alone` says that it holds
        no other job now, and will not until this one has ended. `level` is what the caller understands.

        Raises:
            MustRunAlone: the last worker that had it fell silent; nothing is claimed.
            RecordTooNew: the caller does not understand it; now it waits until a worker that does is there.
        """
        token, terms = _terms(lease_seconds, process, alone=alone, level=level)
        answer = self._scripts.run("claim", job_id, *terms)
        return _claimed(token, job_id, *answer) if answer else None

    def take(
        self,
        lane: Lane,
        call: str,
        lease_seconds: float,
        process: str | None = None,
        *,
        alone: bool = False,
        level: int = LEVEL,
    ) -> Claim | None:
        """Answers a call with the job of the lane that is next; None if none waits.

        Jobs that the caller does not understand are set aside for a worker that does. The rest as `claim`.

        Raises:
            MustRunAlone: the next job must; the caller claims it by its id when it is alone.
        """
        token, terms = _terms(lease_seconds, process, alone=alone, level=level)
        fields, told, *job_id = self._scripts.run("claim_next", lane, call, *terms)
        return _claimed(token, "".join(job_id), fields, told)

    def renew(
        self,
        claims: Sequence[Claim],
        lease_seconds: float,
        progress: Mapping[str, JobProgress] = NO_PROGRESS,
    ) -> set[str]:
        """Renews the leases; answers the ids to let go: canceled, or not ours any more.

        `progress`, by token, becomes visible; jobs without a new one keep theirs.
        """
        told = {token: each.model_dump_json(exclude_none=True) for token, each in progress.items()}
        held = [part for claim in claims for part in (claim.job.id, claim.token, told.get(claim.token, ""))]
        return set(cast("list[str]", self._scripts.run("renew", int(lease_seconds * 1000), *held)))

    def succeed(self, claim: Claim, result: JobResult, slot_cost: int = 0) -> JobStatus | None:
        """End the job as succeeded; see `_finish`."""
        return self._finish(claim, JobStatus.SUCCEEDED, "result", result.model_dump_json(), slot_cost)

    def fail(self, claim: Claim, error: JobError, slot_cost: int = 0) -> JobStatus | None:
        """End the job as failed; see `_finish`."""
        return self._finish(claim, JobStatus.FAILED, "error", error.model_dump_json(), slot_cost)

    def _finish(
        self, claim: Claim, status: JobStatus, field: Literal["result", "error"], value: str, slot_cost: int
    ) -> JobStatus | None:
        """Return how the job ended: CANCELED if that was asked for meanwhile, None if the claim is void.

        `slot_cost` is the cost of the time for which the job held its slot without using the device. Its
        owner pays what exceeds the expected cost.
        """
        ended = self._scripts.run("finish", claim.job.id, claim.token, status, field, value, slot_cost)
        return JobStatus(ended) if ended else None

    def release(
        self, claim: Claim, *, delay_seconds: float = 0, counts: bool, slot_cost: int = 0
    ) -> JobStatus | None:
        """Give the job back to the queue; `counts` says whether this attempt counts as one.

        `slot_cost` as for `_finish`.
        """
        status = self._scripts.run(
            "release", claim.job.id, claim.token, int(delay_seconds * 1000), int(counts), slot_cost
        )
        return JobStatus(status) if status else None

    # --- the client's wishes --------------------------------------------------------------------

    def cancel(self, job_id: str, owner: str) -> JobSnapshot:
        """Cancels a waiting job at once and a running one through its worker.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished: it ended before.
        """
        status = self._scripts.run("cancel", job_id, owner)
        if status is None:
            raise _not_found(job_id)
        if status not in (JobStatus.CANCELED, JobStatus.CANCELING):
            raise JobFinished(f"The job has ended as {status} and cannot be canceled")
        return self.look(job_id, owner)

    def retry(self, job_id: str, owner: str) -> JobSnapshot:
        """Queues a failed, canceled or expired job again.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished, JobNotFinished: it succeeded, or has not ended yet.
        """
        done = self._scripts.run("retry", job_id, owner)
        if done is None:
            raise _not_found(job_id)
        placed = self.look(job_id, owner)
        if done == 0:
            refusal = JobFinished if placed.finished else JobNotFinished
            raise refusal(
                f"The job is {placed.status}; only failed, canceled and expired jobs can be tried again, and "
                "none that is being removed, or of a batch that is being canceled, or whose output.key "
                "another job has now"
            )
        return placed

    def delete(self, job_id: str, owner: str) -> list[str]:
        """Removes the record. Answers the key of its picture, if there may be one; it is doomed.

        Raises:
            JobNotFound: this owner has no such job.
            JobNotFinished: a worker holds it.
        """
        done = self._scripts.run("delete", job_id, owner)
        if done is None:
            raise _not_found(job_id)
        if done == 0:
            raise JobNotFinished("The job is running; cancel it before it is deleted")
        return cast("list[str]", done)

    # --- inside ---------------------------------------------------------------------------------

    def _tagged_behind(self, owner: str, tag: str, cursor: str | None, number: int) -> Ids:
        """Return ids of an owner's jobs with a tag, newest first; of all jobs while some are not indexed."""
        with translated_errors(), self._redis.pipeline() as pipeline:
            pipeline.hget(PREFIX + "indexed", owner)
            pipeline.zcard(PREFIX + "jobs:" + owner)
            top = f"({cursor}" if cursor else "+"
            pipeline.zrevrangebylex(f"{PREFIX}tagged:{owner}:{tag}", top, "-", start=0, num=number)
            indexed, there, ids = cast("tuple[str | None, int, list[str]]", pipeline.execute())
        if int(indexed or 0) != there:
            return self._lists.behind("jobs", owner, cursor, number)
        return Ids(tuple(ids), len(ids) == number)

    def _lines_behind(self, owner: str, batch_id: str, cursor: str | None, number: int) -> Ids:
        """Return ids of a batch's jobs, by line."""
        first, last = lines_between(batch_id)
        bottom = f"({cursor}" if cursor and cursor >= first else f"[{first}"
        with translated_errors():
            if owner == ALL_OWNERS:
                owner = cast("str | None", self._redis.hget(PREFIX + "batch:" + batch_id, "owner")) or ""
            found = self._redis.zrangebylex(PREFIX + "jobs:" + owner, bottom, f"[{last}", start=0, num=number)
        ids = cast("list[str]", found)
        return Ids(tuple(ids), len(ids) == number)


def _terms(
    lease_seconds: float, process: str | None, *, alone: bool, level: int
) -> tuple[str, tuple[str | int, ...]]:
    """A new token, and with it what the scripts `claim` and `take` are told of the caller."""
    token = uuid4().hex
    return token, (token, int(lease_seconds * 1000), process or "", int(alone or process is None), level)


def _claimed(token: str, job_id: str, fields: list[str] | str | None, told: Sequence[str]) -> Claim | None:
    log_recovery_actions(told)
    if fields == "too new":
        raise RecordTooNew("The job asks for something that only a newer version understands")
    if isinstance(fields, str):
        raise MustRunAlone(job_id)
    return Claim(decode_job(job_id, pairs(fields)), token) if fields else None


def _placed(job_id: str, answer: tuple[Sequence[str], int]) -> JobSnapshot:
    fields, position = answer
    return JobSnapshot(job_id, pairs(fields), position if position > 0 else None)


def _origin_option(origin: Origin | None) -> dict[str, str]:
    """For the script `create`."""
    return {"origin": origin.to_text()} if origin else {}


def _digested(request: JobRequest) -> bytes:
    """The same as before there were webhooks, for a request that has none: its key may be older."""
    without = {"webhook"} if request.webhook is None else None
    return request.model_dump_json(exclude=without).encode()


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id[:64]!r}")
