"""Job records in Redis. Each transition is one Lua script (lua/), guarded by status and claim token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast
from uuid import uuid4

import redis
import structlog

from shared.errors import MustRunAlone, RecordTooNew, RecordUnreadable
from shared.ids import new_job_id
from shared.policy.idempotency import Idempotency
from shared.policy.queue_limits import NO_LIMITS, QueueLimits
from shared.request_context import Origin
from shared.request_errors import IdempotencyKeyReused, JobFinished, JobNotFinished
from shared.store.codecs.job import decode_job, encode_request
from shared.store.counts.effort import NO_EFFORT, Effort
from shared.store.creation import create_jobs
from shared.store.ends import Claim, Ending, Ends
from shared.store.job_reader import JobReader, JobSnapshot, not_found
from shared.store.recovery_log import log_recovery_actions
from shared.store.redis.scripts import pairs
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.loss_records import JobProgress
from shared.wire.record_version import RECORD_VERSION
from shared.wire.records import JobStatus

__all__ = ["Claim", "Ending", "JobStore"]

SCRIPTS = (
    "create",
    "claim",
    "claim_next",
    "renew",
    "finish",
    "release",
    "lose_engine",
    "cancel",
    "retry",
    "delete",
)
NO_PROGRESS: Mapping[str, JobProgress] = {}


class JobStore(JobReader):
    """The truth about every job. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, most_running: int = 0) -> None:
        """`most_running` jobs of an owner may run, unless the owner has its own limit; 0: any number."""
        super().__init__(connection, SCRIPTS)
        self._most_running = most_running

    # --- accepting ----------------------------------------------------------------------------

    def create(
        self,
        owner: str,
        requests: Sequence[JobRequest],
        max_attempts: int,
        limits: QueueLimits = NO_LIMITS,
        origin: Origin | None = None,
        root: str = "",
    ) -> list[str]:
        """Write a queued record for each request, all or none. Returns the new ids, which sort by time.

        `max_attempts` is for requests without their own. The links of their webhooks begin with `root`.

        Raises:
            QueueFull: more than `limits` would wait.
            UploadBeingRemoved: an upload was unused for long and must be announced again.
        """
        ids = [new_job_id() for _ in requests]
        records = [
            encode_request(job_id, owner, request, max_attempts, root)
            for job_id, request in zip(ids, requests, strict=True)
        ]
        create_jobs(self._scripts, records, limits, _options(owner, origin))
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
        """Like `create`, for one request. The same key and request within a day return the first id.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            QueueFull, UploadBeingRemoved: see `create`.
        """
        job_id = new_job_id()
        once = Idempotency.of(owner, key, _digested(request))
        record = encode_request(job_id, owner, request, max_attempts, root)
        options = {**_options(owner, origin), **once.as_options()}
        answer = create_jobs(self._scripts, [record], limits, options)
        if answer[0] != "before":
            return job_id
        first_digest, first_id = answer[1].split(" ")
        if first_digest != once.digest:
            raise IdempotencyKeyReused("This Idempotency-Key was already used for another request")
        return str(first_id)

    # --- working ------------------------------------------------------------------------------

    def claim(
        self,
        job_id: str,
        lease_seconds: float,
        process: str | None = None,
        *,
        alone: bool = False,
        record_version: int = RECORD_VERSION,
    ) -> Claim | None:
        """Claim a queued job, or one whose lease has ended. Returns None if it cannot be claimed.

        `process` names the caller if it may hold other jobs too. `alone` promises that the caller holds no
        other job until this one has ended. `record_version` is what the caller understands.

        Raises:
            MustRunAlone: the last worker that had it fell silent; nothing is claimed.
            RecordTooNew: the caller does not understand it; the job waits for a worker that does.
        """
        token, terms = _terms(lease_seconds, process, alone=alone, record_version=record_version)
        answer = self._scripts.run("claim", job_id, *terms, self._most_running)
        return _claimed(token, job_id, *answer) if answer else None

    def take(
        self,
        lane: Lane,
        call: str,
        lease_seconds: float,
        process: str | None = None,
        *,
        most: int = 1,
        alone: bool = False,
        record_version: int = RECORD_VERSION,
    ) -> list[Claim]:
        """Claim the lane's next jobs in response to a call: `most` at most, one if the caller is alone.

        Jobs that the caller does not understand are parked for a worker that does. See `claim` for the rest.

        Raises:
            MustRunAlone: the next job must; the caller claims it by its id when it is alone.
        """
        _, terms = _terms(lease_seconds, process, alone=alone, record_version=record_version)
        terms = *terms, self._most_running
        jobs, suspect, recovered = self._scripts.run("claim_next", lane, call, most, *terms)
        log_recovery_actions(recovered)
        if suspect:
            raise MustRunAlone(suspect)
        return list(_readable(zip(jobs[::2], jobs[1::2], strict=True)))

    def renew(
        self,
        claims: Sequence[Claim],
        lease_seconds: float,
        progress: Mapping[str, JobProgress] = NO_PROGRESS,
    ) -> set[str]:
        """Renew the leases. Returns the ids to let go: canceled jobs, and jobs of another claim.

        `progress`, by token, becomes visible; jobs without a new one keep theirs.
        """
        newest = {token: each.model_dump_json(exclude_none=True) for token, each in progress.items()}
        held = [part for claim in claims for part in (claim.job.id, claim.token, newest.get(claim.token, ""))]
        return set(cast("list[str]", self._scripts.run("renew", int(lease_seconds * 1000), *held)))

    def finish(self, endings: Sequence[Ending]) -> Ends:
        """End jobs, each by itself.

        The owner of a job pays what its `slot_cost` exceeds the expected cost.
        """
        arguments = [argument for ending in endings for argument in ending.arguments()]
        return Ends.of(*self._scripts.run("finish", *arguments))

    def release(
        self,
        claim: Claim,
        *,
        delay_seconds: float = 0,
        counts: bool,
        slot_cost: int = 0,
        effort: Effort = NO_EFFORT,
    ) -> JobStatus | None:
        """Give the job back to the queue; `counts` tells whether this attempt counts.

        For `slot_cost` see `finish`.
        """
        terms = int(delay_seconds * 1000), int(counts), slot_cost, *effort.arguments()
        status = self._scripts.run("release", claim.job.id, claim.token, *terms)
        return JobStatus(status) if status else None

    def lose_engine(self, claim: Claim, *, alone: bool) -> None:
        """Note that the job was lost with the worker's engine, and whether it ran alone there.

        The job is requeued when its lease ends. Only an attempt that ran alone counts.
        """
        self._scripts.run("lose_engine", claim.job.id, claim.token, int(alone))

    # --- the client's wishes --------------------------------------------------------------------

    def cancel(self, job_id: str, owner: str) -> JobSnapshot:
        """Cancel a waiting job at once and a running one through its worker.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished: it ended before.
        """
        status = self._scripts.run("cancel", job_id, owner)
        if status is None:
            raise not_found(job_id)
        if status not in (JobStatus.CANCELED, JobStatus.CANCELING):
            raise JobFinished(f"The job has ended as {status} and cannot be canceled")
        return self.look(job_id, owner)

    def retry(self, job_id: str, owner: str) -> JobSnapshot:
        """Queue a failed, canceled or expired job again.

        Raises:
            JobNotFound: this owner has no such job.
            JobFinished, JobNotFinished: it succeeded, or has not ended yet.
        """
        done = self._scripts.run("retry", job_id, owner)
        if done is None:
            raise not_found(job_id)
        found = self.look(job_id, owner)
        if done == 0:
            refusal = JobFinished if found.finished else JobNotFinished
            raise refusal(
                f"The job is {found.status}. Only failed, canceled and expired jobs can be tried again; "
                "a job cannot while it is being removed or its batch is being canceled, nor can a batch's "
                "job after 20 retries"
            )
        return found

    def delete(self, job_id: str, owner: str) -> list[str]:
        """Remove the record. Returns the keys of its orphaned objects.

        Raises:
            JobNotFound: this owner has no such job.
            JobNotFinished: a worker holds it.
        """
        done = self._scripts.run("delete", job_id, owner)
        if done is None:
            raise not_found(job_id)
        if done == 0:
            raise JobNotFinished("The job is running; cancel it before it is deleted")
        return cast("list[str]", done)


def _options(owner: str, origin: Origin | None) -> dict[str, str | int]:
    key = {"key_id": origin.key_id} if origin and origin.key_id else {}
    return {"owner": owner, **key, **({"origin": origin.to_text()} if origin else {})}


def _terms(
    lease_seconds: float, process: str | None, *, alone: bool, record_version: int
) -> tuple[str, tuple[str | int, ...]]:
    """Return a new token, and the arguments about the caller for the scripts `claim` and `claim_next`."""
    token = uuid4().hex
    return token, (
        token,
        int(lease_seconds * 1000),
        process or "",
        int(alone or process is None),
        record_version,
    )


def _claimed(
    token: str, job_id: str, fields: list[str] | str | None, recovered: Sequence[str]
) -> Claim | None:
    log_recovery_actions(recovered)
    if fields == "too new":
        raise RecordTooNew("The job asks for something that only a newer version understands")
    if isinstance(fields, str):
        raise MustRunAlone(job_id)
    return Claim(decode_job(job_id, pairs(fields)), token) if fields else None


def _readable(records: Iterable[tuple[str, list[str]]]) -> Iterator[Claim]:
    """Yield the claims whose record can be read; the leases of others end."""
    for job_id, flat in records:
        fields = pairs(flat)
        try:
            yield Claim(decode_job(job_id, fields), fields["token"])
        except RecordUnreadable as error:
            structlog.get_logger().error("job interrupted", job_id=job_id, exc_info=error)


def _digested(request: JobRequest) -> bytes:
    """Return the bytes to digest.

    Without a webhook they leave that member out, and so equal those of versions that had no webhooks, whose
    idempotency keys may still be valid.
    """
    without = {"webhook"} if request.webhook is None else None
    return request.model_dump_json(exclude=without).encode()
