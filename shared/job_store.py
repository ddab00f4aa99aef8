"""Job records in Redis. Each transition is one Lua script (shared/lua), guarded by status and claim token."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast
from uuid import uuid4

import redis
from uuid6 import uuid7

from shared.descriptors import JobRequest, Lane
from shared.errors import IdempotencyKeyReused, JobFinished, JobNotFinished, JobNotFound
from shared.job_codec import decode_job, encode_request
from shared.records import FINAL, TRANSITIONS, Job, JobError, JobResult, JobStatus
from shared.redis_client import translated_errors

PREFIX = "sq:"
SCRIPTS = (
    *("create", "dispatch", "undispatch", "sweep"),
    *("claim", "renew", "finish", "release"),
    *("cancel", "retry", "delete"),
)
JOBS_PER_CREATE = 200
IDEMPOTENCY_SECONDS = 24 * 3600
NOT_IDEMPOTENT = ("", "", 0)
RECORDS_PER_SCAN = 200
SCANNED_PER_PAGE = 10 * RECORDS_PER_SCAN


@dataclass(frozen=True)
class Claim:
    """The right to work on a job, until its lease ends or the token is replaced."""

    job: Job
    token: str


@dataclass(frozen=True)
class Page:
    """Jobs, newest first; `cursor` continues behind the last one that was looked at."""

    jobs: tuple[Job, ...]
    cursor: str | None


class JobStore:
    """The truth about every job. All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = {name: connection.register_script(_script_text(name)) for name in SCRIPTS}

    # --- accepting ----------------------------------------------------------------------------

    def create(self, owner: str, requests: Iterable[JobRequest], max_attempts: int) -> list[str]:
        """Writes a queued record for each request and answers the new ids, which sort by time.

        `max_attempts` is for requests that do not say. The requests are written in chunks; each is atomic.
        """
        ids, chunk = [], []
        for request in requests:
            job_id = _new_id()
            ids.append(job_id)
            chunk.append(encode_request(job_id, owner, request, max_attempts))
            if len(chunk) == JOBS_PER_CREATE:
                self._run("create", *NOT_IDEMPOTENT, *chunk)
                chunk.clear()
        if chunk:
            self._run("create", *NOT_IDEMPOTENT, *chunk)
        return ids

    def create_once(self, owner: str, request: JobRequest, max_attempts: int, key: str) -> str:
        """As `create`, for one request; the same key and request within a day answer the first id.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
        """
        job_id = _new_id()
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        name = f"{owner}:{hashlib.sha256(key.encode()).hexdigest()}"
        record = encode_request(job_id, owner, request, max_attempts)
        before = self._run("create", name, digest, IDEMPOTENCY_SECONDS, record)
        if before is None:
            return job_id
        first_digest, first_id = str(before).split(" ")
        if first_digest != digest:
            raise IdempotencyKeyReused("This Idempotency-Key came with another request before")
        return first_id

    # --- reading ------------------------------------------------------------------------------

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """The job; with `owner`, only if it is theirs.

        Raises:
            JobNotFound: there is no such job, or it is another owner's.
        """
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "job:" + job_id))
        if not fields or owner not in (None, fields["owner"]):
            raise _not_found(job_id)
        return decode_job(job_id, fields)

    def get_many(self, job_ids: Sequence[str], owner: str) -> list[Job]:
        """Those of the jobs that are there and this owner's, in the order asked for."""
        return [job for job in self._read_many(job_ids) if job.owner == owner]

    def page(
        self,
        owner: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: JobStatus | None = None,
        tag: str | None = None,
    ) -> Page:
        """Up to `limit` jobs of an owner, newest first, with this status and tag; None matches all.

        Looks at SCANNED_PER_PAGE records at the most, so a page with rare matches may be short.
        """
        found: list[Job] = []
        for _ in range(SCANNED_PER_PAGE // RECORDS_PER_SCAN):
            ids = self._ids_before(owner, cursor, RECORDS_PER_SCAN)
            jobs = self._read_many(ids)
            found += [
                job for job in jobs if status in (None, job.status) and (tag is None or tag in job.tags)
            ]
            if len(found) > limit:
                return Page(tuple(found[:limit]), found[limit - 1].id)
            if len(ids) < RECORDS_PER_SCAN:
                return Page(tuple(found), None)
            cursor = ids[-1]
        return Page(tuple(found), cursor)

    def counts(self, owner: str) -> dict[JobStatus, int]:
        """How many jobs of an owner have each status."""
        with translated_errors():
            counts = cast("dict[str, str]", self._redis.hgetall(PREFIX + "counts:" + owner))
        return {status: int(counts.get(status, 0)) for status in JobStatus}

    def wait(self, job_id: str, owner: str, seen_seq: int | None, timeout_seconds: float) -> Job:
        """The job once it has finished, or has another seq than the one seen, or the time is over.

        Waits on Redis' notification of the change; it holds one connection meanwhile.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._subscription(job_id) as changes:
            while True:
                job = self.get(job_id, owner)
                remaining = deadline - time.monotonic()
                changed = job.finished if seen_seq is None else job.seq != seen_seq
                if changed or job.finished or remaining <= 0:
                    return job
                with translated_errors():
                    changes.get_message(ignore_subscribe_messages=True, timeout=min(remaining, 5))

    # --- dispatching ----------------------------------------------------------------------------

    def dispatch(self, lane: Lane, window: int) -> list[str]:
        """Moves waiting jobs to dispatched, up to `window` at a time; the caller publishes their messages."""
        return cast("list[str]", self._run("dispatch", lane, window))

    def widen_window(self, messages: int) -> None:
        """Lets so many messages of a lane be on their way, if `dispatch` is asked for fewer."""
        with translated_errors():
            self._redis.set(PREFIX + "window", messages)

    def undispatch(self, job_ids: Sequence[str]) -> None:
        """Takes back a dispatch whose messages could not be published."""
        self._run("undispatch", *job_ids)

    def sweep(self, resend_after_seconds: float, queues: Mapping[Lane, str]) -> list[tuple[Lane, str]]:
        """Ends overdue jobs, takes jobs from silent workers, answers jobs whose message may be lost.

        `queues` names the broker's list of each lane; while that is not empty, none of it counts as lost.
        """
        lists = [part for pair in queues.items() for part in pair]
        flat = cast("list[str]", self._run("sweep", int(resend_after_seconds * 1000), *lists))
        return [(Lane(lane), job_id) for lane, job_id in zip(flat[::2], flat[1::2], strict=True)]

    # --- working ------------------------------------------------------------------------------

    def claim(self, job_id: str, lease_seconds: float) -> Claim | None:
        """Takes a queued job, or one whose lease has ended; None if it is not to be had."""
        token = uuid4().hex
        fields = cast("list[str] | None", self._run("claim", job_id, token, int(lease_seconds * 1000)))
        if fields is None:
            return None
        return Claim(decode_job(job_id, dict(zip(fields[::2], fields[1::2], strict=True))), token)

    def renew(self, claims: Sequence[Claim], lease_seconds: float) -> set[str]:
        """Renews the leases; answers the ids to let go: canceled, or not ours any more."""
        held = [part for claim in claims for part in (claim.job.id, claim.token)]
        return set(cast("list[str]", self._run("renew", int(lease_seconds * 1000), *held)))

    def succeed(self, claim: Claim, result: JobResult) -> JobStatus | None:
        """Ends the job as succeeded; see `_finish`."""
        return self._finish(claim, JobStatus.SUCCEEDED, "result", result.model_dump_json())

    def fail(self, claim: Claim, error: JobError) -> JobStatus | None:
        """Ends the job as failed; see `_finish`."""
        return self._finish(claim, JobStatus.FAILED, "error", error.model_dump_json())

    def _finish(
        self, claim: Claim, status: JobStatus, field: Literal["result", "error"], value: str
    ) -> JobStatus | None:
        """How the job ended: CANCELED if that was asked for meanwhile; None: the claim is void."""
        ended = self._run("finish", claim.job.id, claim.token, status, field, value)
        return JobStatus(ended) if ended else None

    def release(self, claim: Claim, *, delay_seconds: float = 0, counts: bool) -> JobStatus | None:
        """Gives the job back to the queue; `counts` says whether this attempt counts as one."""
        status = self._run("release", claim.job.id, claim.token, int(delay_seconds * 1000), int(counts))
        return JobStatus(status) if status else None

    # --- the client's wishes --------------------------------------------------------------------

    def cancel(self, job_id: str, owner: str) -> Job:
        """Cancels a waiting job at once and a running one through its worker.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished: it ended before.
        """
        status = self._run("cancel", job_id, owner)
        if status is None:
            raise _not_found(job_id)
        if status not in (JobStatus.CANCELED, JobStatus.CANCELING):
            raise JobFinished(f"The job has ended as {status} and cannot be canceled")
        return self.get(job_id, owner)

    def retry(self, job_id: str, owner: str) -> Job:
        """Queues a failed, canceled or expired job again.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished, JobNotFinished: it succeeded, or has not ended yet.
        """
        done = self._run("retry", job_id, owner)
        if done is None:
            raise _not_found(job_id)
        job = self.get(job_id, owner)
        if done == 0:
            refusal = JobFinished if job.finished else JobNotFinished
            raise refusal(
                f"The job is {job.status}; only failed, canceled and expired jobs can be tried again"
            )
        return job

    def delete(self, job_id: str, owner: str) -> None:
        """Removes the record.

        Raises:
            JobNotFound: this owner has no such job.
            JobNotFinished: a worker holds it.
        """
        done = self._run("delete", job_id, owner)
        if done is None:
            raise _not_found(job_id)
        if done == 0:
            raise JobNotFinished("The job is running; cancel it before it is deleted")

    # --- inside ---------------------------------------------------------------------------------

    def ping(self) -> None:
        """Raises QueueUnavailable unless Redis answers."""
        with translated_errors():
            self._redis.ping()

    def _run(self, script: str, *arguments: str | int) -> Any:
        with translated_errors():
            return self._scripts[script](keys=[PREFIX], args=arguments)

    def _ids_before(self, owner: str, cursor: str | None, count: int) -> list[str]:
        top = f"({cursor}" if cursor else "+"
        index = PREFIX + "jobs:" + owner
        with translated_errors():
            return cast("list[str]", self._redis.zrevrangebylex(index, top, "-", start=0, num=count))

    def _read_many(self, ids: Sequence[str]) -> list[Job]:
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hgetall(PREFIX + "job:" + job_id)
            rows = cast("list[dict[str, str]]", pipeline.execute())
        return [decode_job(job_id, fields) for job_id, fields in zip(ids, rows, strict=True) if fields]

    @contextmanager
    def _subscription(self, job_id: str) -> Iterator[redis.client.PubSub]:
        with self._redis.pubsub() as changes:
            with translated_errors():
                changes.subscribe(PREFIX + "changed:" + job_id)
            yield changes


def _script_text(name: str) -> str:
    folder = resources.files("shared") / "lua"
    legal = ", ".join(f"{status} = {_lua_set(following)}" for status, following in TRANSITIONS.items())
    prelude, body = ((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))
    return f"local LEGAL, FINAL = {{{legal}}}, {_lua_set(FINAL)}\n{prelude}\n{body}"


def _lua_set(statuses: Iterable[JobStatus]) -> str:
    return "{" + ", ".join(f"{status} = true" for status in sorted(statuses)) + "}"


def _new_id() -> str:
    return "job_" + uuid7().hex


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id[:64]!r}")
