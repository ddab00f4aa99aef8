"""Batches in Redis: read under a lease, committed in one step, counted with every change of their jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Literal, cast

import redis

from shared.ids import job_id_of_line, new_batch_id
from shared.policy.idempotency import REMEMBER_SECONDS, Idempotency
from shared.policy.queue_limits import QueueLimits
from shared.policy.quotas import NO_QUOTAS, Quotas
from shared.policy.webhook_targets import encode_receiver
from shared.request_context import Origin
from shared.request_errors import (
    BatchFinished,
    BatchInterrupted,
    BatchNotFinished,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidParameter,
)
from shared.store.batch_reader import BatchReader, not_found
from shared.store.codecs.batch import encode_skipped
from shared.store.codecs.job import encode_request
from shared.store.creation import create_jobs
from shared.store.recovery_log import log_recovery_actions
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.batch_records import Batch, BatchError, BatchStatus, RejectedLine
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.loss_records import LossSummary
from shared.wire.records import JobStatus

SCRIPTS = (
    *("create", "begin_batch", "reject_lines", "commit_batch"),
    *("cancel_batch", "cancel_jobs", "steer_batch", "retry_jobs", "move_batch", "move_jobs"),
    *("delete_batch", "discard_jobs"),
    *("sweep_batches", "lease_finalizing", "renew_finalizing", "postpone_results", "end_batch"),
)
READING_LEASE_SECONDS = 60  # renewed with each chunk; a batch whose reader is silent for longer is abandoned
TAKEN_SECONDS = 10  # from the step that takes a batch to the one that confirms it
JOBS_PER_STEP = 200  # of a script that walks through a batch
SWEEP_SECONDS = 2.0  # for what is left to do of all batches, beside a step of each
BATCH_BYTES = 2000  # of a batch in Redis beside its metadata and webhook
REJECTED_LINE_BYTES = 150  # of a rejected line beside its text

Steering = Literal["pause", "resume", "first"]


class BatchStore(BatchReader):
    """The truth about every batch. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection, SCRIPTS)

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
        """Make a batch to be read. Returns its id and True, or the id that the same request made and False.

        `lease_seconds` is the time until the first lines are added. The webhook's links begin with `root`.

        Raises:
            IdempotencyInProgress: the same request is being read just now.
            IdempotencyKeyReused: the key came with another request before.
        """
        batch_id = new_batch_id()
        name, digest = (once.name, once.digest) if once else ("", "")
        notes = json.dumps(dict(metadata)) if metadata else ""
        receiver = encode_receiver(webhook, root) if webhook else ""
        record_bytes = BATCH_BYTES + len(notes.encode()) + len(receiver.encode())
        answer = self._scripts.run(
            "begin_batch",
            *(batch_id, owner, notes, int(lease_seconds * 1000)),
            *(name, digest, REMEMBER_SECONDS),
            *(origin.to_text() if origin else "", receiver, quotas.to_json(), record_bytes),
            (origin and origin.key_id) or "",
        )
        match answer:
            case ["before", first_id]:
                return str(first_id), False
            case ["busy"]:
                raise IdempotencyInProgress("A request with this Idempotency-Key is still being processed")
            case ["reused"]:
                raise IdempotencyKeyReused("This Idempotency-Key was already used for another request")
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
    ) -> None:
        """Write the records of a few lines, like `JobStore.create`; none of them runs before `commit`.

        Raises:
            QueueFull: more than `limits` would wait.
            UploadBeingRemoved: see `JobStore.create`.
            BatchInterrupted: the lease ended, and the batch was abandoned.
        """
        options = {"owner": owner, "batch": batch_id, "lease_ms": READING_LEASE_SECONDS * 1000}
        records = [
            encode_request(job_id_of_line(batch_id, line), owner, request, max_attempts, root)
            for line, request in jobs
        ]
        answer = create_jobs(self._scripts, records, limits, options)
        _require(answer[0] == "created")

    def reject(self, batch_id: str, lines: Sequence[RejectedLine], quotas: Quotas = NO_QUOTAS) -> None:
        """Note lines that became no job.

        Raises:
            BatchInterrupted: see `add`.
            QuotaFull: the owner's records would take too many bytes.
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
        """Let its jobs run; from now on they all end, even if this process dies.

        `skipped` counts files by kind.

        Raises:
            BatchInterrupted: see `add`.
        """
        _require(self._scripts.run("commit_batch", batch_id, encode_skipped(skipped or {})) == 1)

    def discard(self, batch_id: str, *, asked: bool = False) -> list[str]:
        """Remove a batch and all its jobs. Returns the keys of orphaned objects.

        No worker may hold one of the jobs. `asked` tells that the owner deletes the batch.
        """
        return self._discard(batch_id, inf, "all", asked=asked)[0]

    def _discard(
        self, batch_id: str, seconds: float, what: str, *, asked: bool = False
    ) -> tuple[list[str], bool]:
        orphaned = list[str]()

        def step() -> int:
            more, *keys = self._scripts.run("discard_jobs", batch_id, JOBS_PER_STEP, what, int(asked))
            orphaned.extend(keys)
            return int(more)

        return orphaned, _repeated(step, seconds)

    # --- the client's wishes --------------------------------------------------------------------

    def cancel(self, batch_id: str, owner: str, seconds: float = inf) -> bool:
        """Cancel its jobs: none starts from now on. Waiting ones end, running ones through their workers.

        After `seconds` the rest is left to the next sweep. Returns whether all jobs were reached. If all have
        ended and their results cannot be written, the batch ends without them.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchFinished: it ended before.
            BatchNotFinished: it is being read.
        """
        status = self._scripts.run("cancel_batch", batch_id, owner)
        if status is None:
            raise not_found(batch_id)
        if status == BatchStatus.VALIDATING:
            raise BatchNotFinished("The batch is still being read; cancel it when it is accepted")
        if status not in (BatchStatus.RUNNING, BatchStatus.FINALIZING):
            raise BatchFinished(f"The batch is {status} and cannot be canceled")
        return self._walk("cancel_jobs", batch_id, seconds)

    def _walk(self, script: str, batch_id: str, seconds: float) -> bool:
        """Go on with a step for all jobs where it stopped. Returns whether it reached all of them."""
        return _repeated(lambda: int(self._scripts.run(script, batch_id, JOBS_PER_STEP)), seconds)

    def delete(self, batch_id: str, owner: str, seconds: float = inf) -> tuple[list[str], bool]:
        """Delete a batch whose jobs have ended, as its owner asks: from now on nobody sees it.

        After `seconds` the removal of its jobs is left to the next sweep. Returns the keys of orphaned
        objects, and whether all jobs are removed.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchNotFinished: it is being read, or not all of its jobs have ended.
        """
        status = self._scripts.run("delete_batch", batch_id, owner)
        if status is None:
            raise not_found(batch_id)
        if status in (BatchStatus.VALIDATING, BatchStatus.RUNNING):
            raise BatchNotFinished(f"The batch is {status}; cancel it before it is deleted")
        return self._discard(batch_id, seconds, "all", asked=True)

    def move(self, batch_id: str, owner: str, lane: Lane, seconds: float = inf) -> bool:
        """Let its waiting jobs go to another lane, in their order. Running and ended ones keep their lane.

        After `seconds` the rest is left to the next sweep. Returns whether all jobs were reached.

        Raises:
            BatchNotFound, BatchNotFinished, BatchFinished: see `steer`.
            InvalidParameter: only jobs of the method 'optimize' wait in the lane of this name, and they
                nowhere else.
        """
        status = lane if lane is Lane.OPTIMIZE else self._scripts.run("move_batch", batch_id, owner, lane)
        if status == Lane.OPTIMIZE:
            raise InvalidParameter(
                "The lane 'optimize' is for jobs with the method 'optimize', which can use no other", "/lane"
            )
        _require_running(batch_id, status)
        return self._walk("move_jobs", batch_id, seconds)

    def steer(self, batch_id: str, owner: str, step: Steering) -> None:
        """Pause or resume a batch, or let it go before the owner's other jobs that wait now.

        While it is paused, none of its jobs starts; running ones go on.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchNotFinished: it is being read.
            BatchFinished: its jobs have ended, or it is being canceled.
        """
        _require_running(batch_id, self._scripts.run("steer_batch", batch_id, owner, step))

    def retry(
        self, batch_id: str, owner: str, statuses: Sequence[JobStatus], *, permanent: bool = True
    ) -> int:
        """Queue the jobs that ended with these statuses again, and return how many.

        Without `permanent`, jobs stay failed if their error says that trying again cannot help.

        Raises:
            BatchNotFound: this owner has no such batch.
            BatchNotFinished: it is being read or canceled, or reading it failed.
        """
        queued, cursor = 0, ""
        while True:
            start = (batch_id, owner, cursor, JOBS_PER_STEP)
            answer = self._scripts.run("retry_jobs", *start, int(permanent), *statuses)
            if answer is None:
                raise not_found(batch_id)
            number, cursor = cast("tuple[int, str]", answer)
            if number < 0:
                raise BatchNotFinished("The batch is being read or canceled, or was never accepted")
            queued += number
            if not cursor:
                return queued

    # --- upkeep -----------------------------------------------------------------------------------

    def sweep(self) -> None:
        """End batches whose reading was interrupted, and go on with removals, cancellations and moves.

        What takes longer than SWEEP_SECONDS is left to the next sweep.
        """
        discarding, canceling, moving, recovered = self._scripts.run("sweep_batches")
        log_recovery_actions(recovered)
        end = time.monotonic() + SWEEP_SECONDS
        for batch_id in discarding:
            self._discard(batch_id, end - time.monotonic(), "jobs")
        for script, batch_ids in (("cancel_jobs", canceling), ("move_jobs", moving)):
            for batch_id in batch_ids:
                self._walk(script, batch_id, end - time.monotonic())

    def take_finalizing(self, lease_seconds: float) -> Batch | None:
        """Return a batch whose jobs have all ended; the caller writes its results within the lease.

        The lease begins short: a request delivered late by a dead network must not hold the batch for long.
        """
        batch_id = self._scripts.run("lease_finalizing", int(min(TAKEN_SECONDS, lease_seconds) * 1000))
        if not batch_id:
            return None
        self.hold_finalizing(batch_id, lease_seconds)
        return self.get(batch_id)

    def hold_finalizing(self, batch_id: str, lease_seconds: float) -> None:
        """Renew the lease of a batch whose results the caller is writing."""
        self._scripts.run("renew_finalizing", batch_id, int(lease_seconds * 1000))

    def put_off(self, batch: Batch, delay_seconds: float, why: BatchError, keys: tuple[str, str]) -> None:
        """Note why its results could not be written to `keys`. The batch is taken again after the delay."""
        self._scripts.run(
            "postpone_results", batch.id, int(delay_seconds * 1000), why.model_dump_json(), *keys
        )

    def end(self, batch: Batch, output_key: str, errors_key: str, losses: LossSummary | None = None) -> bool:
        """End a batch whose results are written as of `batch.seq`. Returns False if it has changed since."""
        summary = losses.model_dump_json() if losses else ""
        return bool(self._scripts.run("end_batch", batch.id, batch.seq, output_key, errors_key, summary))


def _repeated(step: Callable[[], int], seconds: float) -> bool:
    """Repeat a step until it returns 0, and not for longer than `seconds`. Returns whether it returned 0."""
    end = time.monotonic() + seconds
    while step():
        if time.monotonic() >= end:
            return False
    return True


def _require_running(batch_id: str, status: str | None) -> None:
    if status is None:
        raise not_found(batch_id)
    if status == BatchStatus.VALIDATING:
        raise BatchNotFinished("The batch is still being read")
    if status != BatchStatus.RUNNING:
        raise BatchFinished(f"The batch is {status}; none of its jobs waits")


def _require(still_reading: bool) -> None:
    if not still_reading:
        raise BatchInterrupted("Reading the batch took too long and was given up; send it again")
