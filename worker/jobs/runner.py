"""Runs jobs from a message to their end: claims a job, runs it, and writes its outcome."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from shared.broker.queue import Dispatcher
from shared.errors import (
    EngineLost,
    JobTimedOut,
    LeaseLost,
    ModelUnavailable,
    MustRunAlone,
    PermanentError,
    QueueUnavailable,
    RecordTooNew,
    TransientError,
)
from shared.storage.objects import Storage
from shared.store.jobs import Claim, JobStore
from shared.telemetry.tracing import describe
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
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
TOO_NEW_PAUSE_SECONDS = 0.2  # newer workers take the messages meanwhile that this one cannot use

Claiming = Callable[..., Claim | None]  # `JobStore.claim` or `JobStore.take`, bound to a job or a lane


@dataclass(frozen=True)
class Outcome:
    """The job's status after an attempt, and the reasons for the log."""

    status: JobStatus | None  # None: the job is not this worker's any more
    level: int = logging.INFO
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.status or LOST


def retry_delay_seconds(attempt: int, unit_random: float) -> float:
    """Return the delay of exponential backoff with full jitter.

    It is `unit_random` in [0, 1) of min(cap, base * 2^(attempt - 1)).
    """
    return float(unit_random * min(RETRY_CAP_SECONDS, RETRY_BASE_SECONDS * 2 ** (attempt - 1)))


def _count_wait(job: Job) -> None:
    """Count the wait before the first attempt; later attempts wait because of earlier ones."""
    if job.attempt == 1 and job.started_at:
        JOB_WAIT_SECONDS.labels(job.lane).observe((job.started_at - job.queued_at).total_seconds())


@dataclass(frozen=True)
class JobRunner:
    """Runs the jobs of one process; its threads call it."""

    store: JobStore
    storage: Storage
    pipeline: Pipeline
    leases: Leases
    dispatcher: Dispatcher
    lease_seconds: float
    process: str | None = None  # the name of this process in the store
    record_version: int = RECORD_VERSION  # that it understands
    gate: Gate = field(default_factory=Gate)
    slot_costs: SlotCosts = field(default_factory=SlotCosts)

    def run(self, job_id: str) -> None:
        """Run the job that a message names. A message that comes twice or too late does nothing.

        Raises:
            QueueUnavailable: Redis went away. The job's lease ends, and then the sweeper requeues it.
            ModelUnavailable: the job was given back; this process must stop.
        """
        with about(job_id=job_id):
            try:
                self._run_in_company(partial(self.store.claim, job_id), job_id)
            except RecordTooNew:
                time.sleep(TOO_NEW_PAUSE_SECONDS)

    def run_next(self, lane: Lane, call: str) -> None:
        """Run the next job of a lane as soon as there is room for it; do nothing if no job waits.

        Raises:
            QueueUnavailable, ModelUnavailable: as `run`.
        """

        def take_one(*terms: Any, **named: Any) -> Claim | None:
            return next(iter(self.store.take(lane, call, *terms, **named)), None)

        self._run_in_company(take_one, call)

    def time_out(self, held: HeldJob, timeout_seconds: float) -> None:
        """Give up a job whose thread does not return: requeue it, or fail it after its last attempt.

        Raises:
            QueueUnavailable: Redis went away. The lease ends, because nothing renews it any more.
        """
        held.let_go()
        limit = f"{timeout_seconds:g} s (job_timeout_seconds)"
        error = JobTimedOut(f"The attempt took longer than {limit} and was given up")
        with about(**of_job(held.claim.job)):
            outcome = self._try_later(held.claim, held.stages, error)
            structlog.get_logger().warning(
                "job timed out", outcome=outcome.label, stage=held.stages.current, **outcome.facts
            )
        self.dispatcher.dispatch_or_leave([held.claim.job.lane])

    def _run_in_company(self, claim: Claiming, message: str) -> None:
        try:
            self._claim_and_run(claim, message, alone=False)
        except MustRunAlone as suspect:
            job_id = suspect.job_id
            self._claim_and_run(partial(self.store.claim, job_id), job_id, alone=True)

    def _claim_and_run(self, claim: Claiming, message: str, *, alone: bool) -> None:
        """Claim a job only when it may run, so that no worker holds a job that waits to run alone."""
        with self.gate.entered(alone=alone) as entered:
            if entered:
                self._run_if_claimed(claim, alone=alone)
            else:
                self.dispatcher.put_back(message)

    def _run_if_claimed(self, claim_one: Claiming, *, alone: bool) -> None:
        claim = claim_one(self.lease_seconds, self.process, alone=alone, record_version=self.record_version)
        if claim is None:
            return
        _count_wait(claim.job)
        with run_of(claim.job), about(**of_job(claim.job)):
            structlog.get_logger().info("job started", lane=claim.job.lane, queue_ms=claim.job.queue_ms)
            self._run_claimed(claim)
        self.dispatcher.dispatch_or_leave([claim.job.lane])

    def _run_claimed(self, claim: Claim) -> None:
        with self.leases.hold(claim) as held:
            outcome = self._outcome(held)
            if outcome.status in FINAL:  # a job that is tried again has yet to be done
                self.leases.rate.count_ended()
        stages = held.stages
        JOB_RUNS.labels(outcome.label).inc()
        describe(failed=outcome.status is JobStatus.FAILED, stylequeue__outcome=outcome.label)
        structlog.get_logger().log(
            outcome.level,
            "job ended" if outcome.status in FINAL else "attempt ended",
            outcome=outcome.label,
            stage=stages.current,
            **outcome.facts,
            **stages.milliseconds,
        )

    def _outcome(self, held: HeldJob) -> Outcome:
        """Run the job and write its outcome."""
        claim, stages = held.claim, held.stages
        try:
            return self._succeed(claim, stages, self.pipeline.run(claim.job, stages))
        except PermanentError as error:
            return self._fail(claim, stages, error.code, error.detail, retryable=False)
        except LeaseLost:
            return Outcome(self._release(claim, stages, counts=False))  # not the job's fault
        except EngineLost as error:
            if not self.gate.is_alone:  # other hands' jobs were in the engine
                self.store.note_company(claim)
            # Not released: when its lease ends it is a suspect, like the jobs of a dead worker.
            return Outcome(None, logging.WARNING, {"code": error.code, "detail": error.detail})
        except ModelUnavailable:
            self._release(claim, stages, counts=False)
            raise
        except QueueUnavailable:
            raise
        except TransientError as error:
            return self._try_later(claim, stages, error)
        except (Exception, SystemExit) as error:  # SystemExit would end the thread, and cost a slot
            detail = f"The worker failed unexpectedly ({type(error).__name__})"
            failed = self._fail(claim, stages, "internal-error", detail, retryable=True)
            return replace(failed, level=logging.ERROR, facts={**failed.facts, "exc_info": error})

    def _succeed(self, claim: Claim, stages: Stages, result: JobResult) -> Outcome:
        """Write the result. Delete a canceled job's picture, unless it is in the client's bucket."""
        if "model" in stages.milliseconds:
            self.slot_costs.count_painted(result.width * result.height, stages.milliseconds["model"] / 1000)
        status = self.store.succeed(claim, result, self._slot_cost(stages))
        if status is JobStatus.CANCELED and result.bucket is None:
            self.storage.delete(result.key)
        return Outcome(status)

    def _fail(self, claim: Claim, stages: Stages, code: str, detail: str, *, retryable: bool) -> Outcome:
        error = JobError(
            code=code, detail=detail, stage=stages.current, retryable=retryable, attempts=claim.job.attempt
        )
        status = self.store.fail(claim, error, self._slot_cost(stages))
        return Outcome(status, logging.WARNING, {"code": code, "detail": detail})

    def _try_later(self, claim: Claim, stages: Stages, error: TransientError) -> Outcome:
        attempt = claim.job.attempt
        if attempt >= claim.job.max_attempts:
            return self._fail(claim, stages, error.code, error.detail, retryable=True)
        delay = retry_delay_seconds(attempt, random.random())  # noqa: S311 - jitter, not a secret
        status = self._release(claim, stages, delay_seconds=delay, counts=True)
        facts = {"code": error.code, "detail": error.detail, "delay_seconds": round(delay, 2)}
        return Outcome(status, logging.WARNING, facts)

    def _release(
        self, claim: Claim, stages: Stages, *, delay_seconds: float = 0, counts: bool
    ) -> JobStatus | None:
        cost = self._slot_cost(stages)
        return self.store.release(claim, delay_seconds=delay_seconds, counts=counts, slot_cost=cost)

    def _slot_cost(self, stages: Stages) -> int:
        return self.slot_costs.cost_of(stages.seconds_beside_device())
