"""Batches in Redis: read under a lease, committed in one step, counted with every change of their jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

from shared.errors import (
    BatchFinished,
    BatchInterrupted,
    BatchNotFinished,
    BatchNotFound,
    IdempotencyInProgress,
    IdempotencyKeyReused,
)
from shared.ids import job_id_of_line, line_of, new_batch_id
from shared.policy.idempotency import REMEMBER_SECONDS, Idempotency
from shared.policy.queue_limits import QueueLimits
from shared.policy.quotas import NO_QUOTAS, Quotas
from shared.policy.webhook_targets import encode_receiver
from shared.request_context import Origin
from shared.store.codecs.batch import decode_batch, encode_skipped
from shared.store.codecs.created import check_created
from shared.store.codecs.job import encode_request
from shared.store.notifications import wait_for_change
from shared.store.owner_lists import OwnerLists
from shared.store.recovery_log import log_recovery_actions
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.batch_records import Batch, BatchError, BatchStatus, RejectedLine
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.loss_records import LossSummary
from shared.wire.records import JobStatus

SCRIPTS = (
    *("create", "begin_batch", "reject_lines", "commit_batch", "batch_snapshot"),
    *("cancel_batch", "cancel_jobs", "retry_jobs", "discard_jobs"),
    *("sweep_batches", "lease_finalizing", "renew_finalizing", "postpone_results", "end_batch"),
)
READING_LEASE_SECONDS = 60  # renewed with each chunk; a batch whose reader is silent for longer is given up
TAKEN_SECONDS = 10  # between the step that takes a batch and the one that says that it was heard of
JOBS_PER_STEP = 200  # of a script that walks through a batch
SHOWN_REJECTED_LINES = 100
BATCH_BYTES = 2000  # of a batch in Redis beside its metadata and webhook
REJECTED_LINE_BYTES = 150  # of a rejected line beside its text


@dataclass(frozen=True)
class BatchSnapshot:
    """A batch, the first of its rejected lines, and the place of the last job that waits in each lane."""

    batch: Batch
    rejected_lines: tuple[RejectedLine, ...]
    last_positions: Mapping[Lane, int]

    @property
    def seq(self) -> int:
        return self.batch.seq

    @property
    def finished(self) -> bool:
        return self.batch.finished


@dataclass(frozen=True)
class BatchIds:
    """Newest first; `cursor` continues behind the last one."""

    ids: tuple[str, ...]
    cursor: str | None


class BatchStore:
    """The truth about every batch. All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, SCRIPTS)

    # --- accepting ----------------------------------------------------------------------------

    def begin(
        self,
        owner: str,
        metadata: Mapping[str, str],
        once: Idempotency | None,
        lease_seconds: float = READING_LEASE_SECONDS,
        origin: Origin | None = None,
        webhook: BatchWebhook | None = None,
        root: str = "",
        quotas: Quotas = NO_QUOTAS,
    ) -> tuple[str, bool]:
        """A batch that the caller reads from now on, and True; or what the same request made, and False.

        `lease_seconds` is the time until the first lines are added, `root` where the webhook's links lead.

        Raises:
            IdempotencyInProgress: the same request is being read just now.
            IdempotencyKeyReused: the key came with another request before.
        """
        batch_id = new_batch_id()
        name, digest = (once.name, once.digest) if once else ("", "")
        notes = json.dumps(dict(metadata)) if metadata else ""
        receiver = encode_receiver(webhook, root) if webhook else ""
        lease_ms = int(lease_seconds * 1000)
        came_from = origin.to_text() if origin else ""
        answer = self._scripts.run(
            "begin_batch",
            batch_id,
            owner,
            notes,
            lease_ms,
            name,
            digest,
            REMEMBER_SECONDS,
            came_from,
            receiver,
            quotas.to_json(),
            BATCH_BYTES + sum(len(text.encode()) for text in (notes, receiver)),
        )
        match answer:
            case ["before", first_id]:
                return str(first_id), False
            case ["busy"]:
                raise IdempotencyInProgress("A request with this Idempotency-Key is just being carried out")
            case ["reused"]:
                raise IdempotencyKeyReused("This Idempotency-Key came with another request before")
            case ["quota", kind]:
                quotas.refuse(str(kind))
        return batch_id, True

    def add(
        self,
        batch_id: str,
        owner: str,
        jobs: Sequence[tuple[int, JobRequest]],
        max_attempts: int,
        limits: QueueLimits,
        root: str = "",
    ) -> dict[int, str]:
        """Writes the records of a few lines, as `JobStore.create`; none of them runs before `commit`.

        Answers lines that are left out, because another job has the place for their picture, and which job.

        Raises:
            QueueFull: more than `limits` would wait.
            UploadBeingRemoved: as `JobStore.create`.
            BatchInterrupted: the lease ended, and the batch was given up.
        """
        lease_ms = READING_LEASE_SECONDS * 1000
        options = {"owner": owner, "batch": batch_id, "lease_ms": lease_ms, **limits.as_options()}
        records = [
            encode_request(job_id_of_line(batch_id, line), owner, request, max_attempts, root)
            for line, request in jobs
        ]
        answer = check_created(self._scripts.run("create", json.dumps(options), *records), limits)
        _require(answer[0] == "created")
        return {line_of(job_id): holder for job_id, holder in pairs(answer[1:]).items()}

    def reject(self, batch_id: str, lines: Sequence[RejectedLine], quotas: Quotas = NO_QUOTAS) -> None:
        """Note lines that became no job.

        Raises:
            BatchInterrupted: as `add`.
            QuotaFull: the owner's records would take more bytes than they may.
        """
        texts = [part for line in lines for part in (line.line, line.model_dump_json(exclude_none=True))]
        lease_ms = READING_LEASE_SECONDS * 1000
        answer = self._scripts.run(
            "reject_lines", batch_id, lease_ms, quotas.to_json(), REJECTED_LINE_BYTES, *texts
        )
        if answer[0] == "quota":
            quotas.refuse(str(answer[1]))
        _require(answer[0] == "noted")

    def commit(self, batch_id: str, skipped: Mapping[str, int] | None = None) -> None:
        """Let its jobs run; whatever is killed from now on, they all end. `skipped` are files by kind.

        Raises:
            BatchInterrupted: as `add`.
        """
        _require(self._scripts.run("commit_batch", batch_id, encode_skipped(skipped or {})) == 1)

    def discard(self, batch_id: str, *, asked: bool = False) -> list[str]:
        """Removes a batch and all its jobs, of which no worker may hold one.

        Answers the keys of its objects, which are doomed. `asked`: its owner wants it to go.
        """
        doomed, more = list[str](), 1
        while more:
            more, *keys = self._scripts.run("discard_jobs", batch_id, JOBS_PER_STEP, "all", int(asked))
            doomed += keys
        return doomed

    # --- reading ------------------------------------------------------------------------------

    def owner_of(self, batch_id: str) -> str:
        """
        Raises:
            BatchNotFound: there is no such batch.
        """
        with translated_errors():
            owner = cast("str | None", self._redis.hget(PREFIX + "batch:" + batch_id, "owner"))
        if owner is None:
            raise _not_found(batch_id)
        return owner

    def look(self, batch_id: str, owner: str) -> BatchSnapshot:
        """
        Raises:
            BatchNotFound: there is no such batch, or it is another owner's.
        """
        answer = self._scripts.run("batch_snapshot", batch_id, owner, SHOWN_REJECTED_LINES)
        if answer is None:
            raise _not_found(batch_id)
        return _placed(batch_id, answer)

    def look_many(self, batch_ids: Sequence[str], owner: str) -> list[BatchSnapshot]:
        """Return the batches that are there and this owner's, without their rejected lines."""
        answers = self._scripts.run_each(
            self._redis, "batch_snapshot", [(batch_id, owner, 0) for batch_id in batch_ids]
        )
        return [
            _placed(batch_id, answer) for batch_id, answer in zip(batch_ids, answers, strict=True) if answer
        ]

    def page(self, owner: str, limit: int, cursor: str | None) -> BatchIds:
        """Return up to `limit` ids of batches of an owner, or of ALL_OWNERS, newest first."""
        found = self._lists.behind("batches", owner, cursor, limit + 1)
        ids = found.ids[:limit]
        return BatchIds(ids, ids[-1] if found.more or len(found.ids) > limit else None)

    def wait(self, batch_id: str, owner: str, seen_seq: int | None, timeout_seconds: float) -> BatchSnapshot:
        """The batch once it has finished, or has another seq than the one seen, or the time is over."""
        return wait_for_change(
            self._redis, batch_id, lambda: self.look(batch_id, owner), seen_seq, timeout_seconds
        )

    def ended_jobs(self, batch_id: str, after: int, number: int) -> list[str]:
        """Ids of jobs in the order in which they ended, behind the first `after`.

        One that was tried again is in there once more for each time that it ended.
        """
        with translated_errors():
            ids = self._redis.lrange(PREFIX + "done:" + batch_id, after, after + number - 1)
        return cast("list[str]", ids)

    def rejected_lines(self, batch_id: str, after: int = 0) -> Iterator[RejectedLine]:
        """Yield the rejected lines behind the line `after`, read a few at a time."""
        key = PREFIX + "rejected:" + batch_id
        while True:
            with translated_errors():
                texts = self._redis.zrangebyscore(key, f"({after}", "+inf", start=0, num=JOBS_PER_STEP)
            lines = [RejectedLine.model_validate_json(text) for text in cast("list[str]", texts)]
            yield from lines
            if len(lines) < JOBS_PER_STEP:
                return
            after = lines[-1].line

    # --- the client's wishes --------------------------------------------------------------------

    def cancel(self, batch_id: str, owner: str) -> None:
        """Let none of its jobs start: the waiting ones end now, the running ones through their workers.

        If all have ended and their results cannot be written, it ends without them.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchFinished: it ended before.
            BatchNotFinished: it is being read.
        """
        status = self._scripts.run("cancel_batch", batch_id, owner)
        if status is None:
            raise _not_found(batch_id)
        if status == BatchStatus.VALIDATING:
            raise BatchNotFinished("The batch is still being read; cancel it when it is accepted")
        if status not in (BatchStatus.RUNNING, BatchStatus.FINALIZING):
            raise BatchFinished(f"The batch is {status} and cannot be canceled")
        self.cancel_jobs(batch_id)

    def cancel_jobs(self, batch_id: str) -> None:
        """Goes on with a cancellation, wherever it stopped."""
        while self._scripts.run("cancel_jobs", batch_id, JOBS_PER_STEP):
            pass

    def retry(
        self, batch_id: str, owner: str, statuses: Sequence[JobStatus], *, permanent: bool = True
    ) -> int:
        """Queue the jobs that ended with these statuses again, and return how many.

        Without `permanent`, jobs stay failed whose error says that trying again cannot help.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchNotFinished: it is being read or canceled, or reading it failed.
        """
        queued, cursor = 0, ""
        while True:
            place = (batch_id, owner, cursor, JOBS_PER_STEP)
            answer = self._scripts.run("retry_jobs", *place, int(permanent), *statuses)
            if answer is None:
                raise _not_found(batch_id)
            number, cursor = cast("tuple[int, str]", answer)
            if number < 0:
                raise BatchNotFinished("The batch is being read or canceled, or was never accepted")
            queued += number
            if not cursor:
                return queued

    # --- upkeep -----------------------------------------------------------------------------------

    def get(self, batch_id: str) -> Batch | None:
        """The batch of whatever owner, without the number of its rejected lines."""
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "batch:" + batch_id))
        return decode_batch(batch_id, fields, 0) if fields else None

    def sweep(self) -> None:
        """Ends batches whose reading was interrupted, and goes on with what was interrupted after that."""
        discarding, canceling, told = self._scripts.run("sweep_batches")
        log_recovery_actions(told)
        for batch_id in discarding:
            while self._scripts.run("discard_jobs", batch_id, JOBS_PER_STEP, "jobs", 0)[0]:
                pass
        for batch_id in canceling:
            self.cancel_jobs(batch_id)

    def take_finalizing(self, lease_seconds: float) -> Batch | None:
        """Return a batch whose jobs have all ended; the caller writes its results within the lease.

        The lease begins short. A request that a dead network delivers late is carried out though nobody hears
        of it, and must not keep the batch from others for long.
        """
        batch_id = self._scripts.run("lease_finalizing", int(min(TAKEN_SECONDS, lease_seconds) * 1000))
        if not batch_id:
            return None
        self.hold_finalizing(batch_id, lease_seconds)
        return self.get(batch_id)

    def hold_finalizing(self, batch_id: str, lease_seconds: float) -> None:
        """Renew the lease of a batch that the caller has taken, while its results are still to be written."""
        self._scripts.run("renew_finalizing", batch_id, int(lease_seconds * 1000))

    def put_off(self, batch: Batch, delay_seconds: float, why: BatchError, keys: tuple[str, str]) -> None:
        """Its results could not be written to `keys`: it shows why, and is taken again after the delay."""
        self._scripts.run(
            "postpone_results", batch.id, int(delay_seconds * 1000), why.model_dump_json(), *keys
        )

    def end(self, batch: Batch, output_key: str, errors_key: str, losses: LossSummary | None = None) -> bool:
        """Its results are written as they were at `batch.seq`; False if it has changed since."""
        summary = losses.model_dump_json() if losses else ""
        return bool(self._scripts.run("end_batch", batch.id, batch.seq, output_key, errors_key, summary))


def _placed(batch_id: str, answer: Sequence[list[str] | int]) -> BatchSnapshot:
    record, rejected, lines, positions = answer
    fields, flat = pairs(cast("list[str]", record)), cast("list[str]", positions)
    return BatchSnapshot(
        decode_batch(batch_id, fields, cast("int", rejected)),
        tuple(RejectedLine.model_validate_json(line) for line in cast("list[str]", lines)),
        {Lane(lane): int(place) for lane, place in zip(flat[::2], flat[1::2], strict=True)},
    )


def _require(still_reading: bool) -> None:
    if not still_reading:
        raise BatchInterrupted("Reading the batch took too long and was given up; send it again")


def _not_found(batch_id: str) -> BatchNotFound:
    return BatchNotFound(f"There is no batch {batch_id[:64]!r}")
