"""From a wake-up call to the end of a job: claim, run, and write down what became of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

import structlog

from shared.broker.queue import Dispatcher
from shared.errors import (
    JobTimedOut,
    LeaseLost,
    ModelUnavailable,
    MustRunAlone,
    PermanentError,
    QueueUnavailable,
    RecordTooNew,
    TransientError,
)
from shared.policy.object_keys import is_used_once
from shared.storage.objects import Storage
from shared.store.jobs import Claim, JobStore
from shared.telemetry.tracing import describe
from shared.wire.descriptors import Lane
from shared.wire.record_version import LEVEL
from shared.wire.records import FINAL, Job, JobError, JobResult, JobStatus
from worker.jobs.gate import Gate
from worker.jobs.job_lines import about, of_job, run_of
from worker.jobs.leases import HeldJob, Leases
from worker.jobs.pipeline import Pipeline
from worker.jobs.slot_costs import SlotCosts
from worker.jobs.stages import Stages
from worker.telemetry.metrics import JOB_RUNS, JOB_WAIT_SECONDS, LOST

RETRY_BASE_SECONDS = 1.0
RETRY_CAP_SECONDS = 60.0
Claiming = Callable[..., Claim | None]  # `JobStore.claim` or `JobStore.take`, but for the caller

TOO_NEW_PAUSE_SECONDS = 0.2  # in which newer workers take messages that would be lost on this one


def retry_delay_seconds(attempt: int, unit_random: float) -> float:
    """Exponential backoff with full jitter: `unit_random` in [0, 1) of min(cap, base * 2^(attempt - 1))."""
    return float(unit_random * min(RETRY_CAP_SECONDS, RETRY_BASE_SECONDS * 2 ** (attempt - 1)))


def _count_wait(job: Job) -> None:
    """Of the first attempt alone: later ones wait because of the earlier."""
    if job.attempt == 1 and job.started_at:
        JOB_WAIT_SECONDS.labels(job.lane).observe((job.started_at - job.queued_at).total_seconds())


class JobRunner:
    """Holds the parts that every job of a process goes through."""

    def __init__(
        self,
        store: JobStore,
        storage: Storage,
        pipeline: Pipeline,
        leases: Leases,
        dispatcher: Dispatcher,
        lease_seconds: float,
        process: str | None = None,
        level: int = LEVEL,
    ) -> None:
        """`process` names this one in the store, if several threads run jobs here; `level` is of what it
        understands.
        """
        self._store = store
        self._storage = storage
        self._pipeline = pipeline
        self._leases = leases
        self._dispatcher = dispatcher
        self._lease_seconds = lease_seconds
        self._process = process
        self._level = level
        self._slot_costs = SlotCosts()
        self.gate = Gate()

    def run(self, job_id: str) -> None:
        """Runs the job that a message names; one that comes twice, or too late, does nothing.

        Raises:
            QueueUnavailable: Redis went away. The job's lease ends and the sweeper takes it from there.
            ModelUnavailable: the job was given back; this process must stop.
        """
        with about(job_id=job_id):
            try:
                self._run_in_company(partial(self._store.claim, job_id), job_id)
            except RecordTooNew:
                time.sleep(TOO_NEW_PAUSE_SECONDS)

    def run_next(self, lane: Lane, call: str) -> None:
        """Runs the job of a lane that is next when there is room for it; nothing if none waits.

        Raises:
            QueueUnavailable, ModelUnavailable: as `run`.
        """
        self._run_in_company(partial(self._store.take, lane, call), call)

    def time_out(self, held: HeldJob, timeout_seconds: float) -> None:
        """Gives a job up whose thread does not come back: to be tried again, or failed.

        Raises:
            QueueUnavailable: Redis went away. The lease ends, because nothing renews it any more.
        """
        held.let_go()
        limit = f"{timeout_seconds:g} s (job_timeout_seconds)"
        error = JobTimedOut(f"The attempt took longer than {limit} and was given up")
        with about(**of_job(held.claim.job)):
            outcome = self._try_later(held.claim, held.stages, error)
            structlog.get_logger().warning(
                "job timed out", outcome=outcome or "lost", stage=held.stages.current
            )
        self._dispatcher.dispatch_or_leave([held.claim.job.lane])

    def _run_in_company(self, claim: Claiming, message: str) -> None:
        try:
            self._claim_and_run(claim, message, alone=False)
        except MustRunAlone as suspect:
            job_id = suspect.job_id
            self._claim_and_run(partial(self._store.claim, job_id), job_id, alone=True)

    def _claim_and_run(self, claim: Claiming, message: str, *, alone: bool) -> None:
        """Claims a job when it may run, and not before: what waits to be alone is held by nobody."""
        with self.gate.entered(alone=alone) as entered:
            if entered:
                self._run_if_claimed(claim, alone=alone)
            else:
                self._dispatcher.put_back(message)

    def _run_if_claimed(self, claim_one: Claiming, *, alone: bool) -> None:
        claim = claim_one(self._lease_seconds, self._process, alone=alone, level=self._level)
        if claim is None:
            return
        _count_wait(claim.job)
        with run_of(claim.job), about(**of_job(claim.job)):
            structlog.get_logger().info("job started", lane=claim.job.lane, queue_ms=claim.job.queue_ms)
            self._run_claimed(claim)
        self._dispatcher.dispatch_or_leave([claim.job.lane])

    def _run_claimed(self, claim: Claim) -> None:
        with self._leases.hold(claim) as held:
            outcome = self._outcome(held)
            if outcome in FINAL:  # one that is put off has yet to be done
                self._leases.rate.count_ended()
        stages = held.stages
        JOB_RUNS.labels(outcome or LOST).inc()
        describe(failed=outcome is JobStatus.FAILED, stylequeue__outcome=outcome or "lost")
        event = "job ended" if outcome in FINAL else "attempt ended"
        structlog.get_logger().info(
            event, outcome=outcome or "lost", stage=stages.current, **stages.milliseconds
        )

    def _outcome(self, held: HeldJob) -> JobStatus | None:
        """Runs the job and answers its status afterwards; None if it is not ours any more."""
        claim, stages = held.claim, held.stages
        try:
            return self._succeed(claim, stages, self._pipeline.run(claim.job, stages))
        except PermanentError as error:
            return self._fail(claim, stages, error.code, error.detail, retryable=False)
        except LeaseLost:
            return self._release(claim, stages, counts=False)  # not the job's fault
        except ModelUnavailable:
            self._release(claim, stages, counts=False)
            raise
        except QueueUnavailable:
            raise
        except TransientError as error:
            return self._try_later(claim, stages, error)
        except (Exception, SystemExit) as error:  # the latter, left alone, would take a slot with it
            structlog.get_logger().exception("job failed unexpectedly", stage=stages.current)
            detail = f"The worker failed unexpectedly ({type(error).__name__})"
            return self._fail(claim, stages, "internal-error", detail, retryable=True)

    def _succeed(self, claim: Claim, stages: Stages, result: JobResult) -> JobStatus | None:
        """Of a canceled job a picture goes at once, unless its key may be another job's one day."""
        if "model" in stages.milliseconds:
            self._slot_costs.count_painted(result.width * result.height, stages.milliseconds["model"] / 1000)
        outcome = self._store.succeed(claim, result, self._slot_cost(stages))
        if outcome is JobStatus.CANCELED and result.bucket is None and is_used_once(result.key):
            self._storage.delete(result.key)
        return outcome

    def _fail(
        self, claim: Claim, stages: Stages, code: str, detail: str, *, retryable: bool
    ) -> JobStatus | None:
        structlog.get_logger().warning("job fails", code=code, detail=detail, stage=stages.current)
        error = JobError(
            code=code, detail=detail, stage=stages.current, retryable=retryable, attempts=claim.job.attempt
        )
        return self._store.fail(claim, error, self._slot_cost(stages))

    def _try_later(self, claim: Claim, stages: Stages, error: TransientError) -> JobStatus | None:
        attempt = claim.job.attempt
        if attempt >= claim.job.max_attempts:
            return self._fail(claim, stages, error.code, error.detail, retryable=True)
        delay = retry_delay_seconds(attempt, random.random())  # noqa: S311 - jitter, not a secret
        structlog.get_logger().warning(
            "job put off",
            code=error.code,
            detail=error.detail,
            stage=stages.current,
            delay_seconds=round(delay, 2),
        )
        return self._release(claim, stages, delay_seconds=delay, counts=True)

    def _release(
        self, claim: Claim, stages: Stages, *, delay_seconds: float = 0, counts: bool
    ) -> JobStatus | None:
        cost = self._slot_cost(stages)
        return self._store.release(claim, delay_seconds=delay_seconds, counts=counts, slot_cost=cost)

    def _slot_cost(self, stages: Stages) -> int:
        return self._slot_costs.cost_of(stages.seconds_beside_device())
