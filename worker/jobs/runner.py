"""Runs jobs from a message to their end: claims a job, runs it, and writes its outcome."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
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
from shared.policy.object_keys import keys_of_result
from shared.scheduling.cost import cost_beyond_expected
from shared.storage.objects import Storage
from shared.store.jobs import Claim, Ending, JobStore
from shared.store.lanes import jobs_called_by
from shared.telemetry.tracing import describe
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
from shared.wire.records import FINAL, Job, JobError, JobResult, JobStatus
from worker.jobs.endings import Endings
from worker.jobs.job_lines import about, of_job, run_of
from worker.jobs.leases import HeldJob, Leases
from worker.jobs.pipeline import Pipeline
from worker.jobs.slot_costs import SlotCosts
from worker.jobs.slots import Slots
from worker.jobs.stages import Stages
from worker.telemetry.metrics import JOB_RUNS, JOB_WAIT_SECONDS, LOST

RETRY_BASE_SECONDS = 1.0
RETRY_CAP_SECONDS = 60.0
TOO_NEW_PAUSE_SECONDS = 0.2  # newer workers take the messages meanwhile that this one cannot use

Claiming = Callable[..., list[Claim]]  # from the number of jobs that there is room for


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
    slots: Slots[HeldJob]
    endings: Endings
    process: str | None = None  # the name of this process in the store
    record_version: int = RECORD_VERSION  # that it understands
    slot_costs: SlotCosts = field(default_factory=SlotCosts)

    def run(self, job_id: str) -> None:
        """Run the job that a message names. A message that comes twice or too late does nothing.

        This and `run_next` wait for a free slot, let claimed jobs run, and return when a slot is free again:
        a message that came earlier would start before those of a higher lane.

        Raises:
            QueueUnavailable: Redis went away. The leases of claimed jobs end, and then they are requeued.
        """
        with about(job_id=job_id):
            try:
                self._claim_in_company(partial(self._claim_named, job_id), job_id)
            except RecordTooNew:
                time.sleep(TOO_NEW_PAUSE_SECONDS)

    def run_next(self, lane: Lane, call: str) -> None:
        """Run the next jobs of a lane, as many as the message calls for and this process has room for.

        Raises:
            QueueUnavailable: as `run`.
        """
        self._claim_in_company(partial(self._claim_next, lane, call), call)

    def run_held(self, held: HeldJob) -> None:
        """Run a claimed job and write its outcome.

        Raises:
            QueueUnavailable: Redis went away. The job's lease ends, and then the sweeper requeues it.
            ModelUnavailable: the job was given back; this process must stop.
        """
        try:
            job = held.begin()
            _count_wait(job)
            with run_of(job), about(**of_job(job)):
                held.log_members = of_job(job)
                structlog.get_logger().info("job started", lane=job.lane, queue_ms=job.queue_ms)
                self._run_begun(held)
        finally:
            self.leases.drop(held)

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

    def give_back(self, held_jobs: Collection[HeldJob]) -> None:
        """Requeue jobs without counting the attempt, and call other workers for them.

        Raises:
            QueueUnavailable: some jobs are not requeued; their leases end.
        """
        self.leases.give_back(held_jobs)
        self.dispatcher.dispatch_or_leave({held.claim.job.lane for held in held_jobs})

    def _claim_in_company(self, claim: Claiming, message: str) -> None:
        try:
            self._claim(claim, message, alone=False)
        except MustRunAlone as suspect:
            job_id = suspect.job_id
            self._claim(partial(self._claim_named, job_id), job_id, alone=True)

    def _claim(self, claim: Claiming, message: str, *, alone: bool) -> None:
        """Claim jobs only when they may run, so that no worker holds a job that waits to run alone."""
        with self.slots.room(alone=alone) as room:
            if not room:
                self.dispatcher.put_back(message)
                return
            claims = claim(room, alone=alone)
            for each in claims:
                self.slots.add(self.leases.hold(each))
        if claims:
            self.dispatcher.dispatch_or_leave({each.job.lane for each in claims})
            self._let_go(self.slots.wait_for_room())

    def _claim_named(self, job_id: str, _room: int, *, alone: bool) -> list[Claim]:
        terms = self.lease_seconds, self.process
        claim = self.store.claim(job_id, *terms, alone=alone, record_version=self.record_version)
        return [claim] if claim else []

    def _claim_next(self, lane: Lane, call: str, room: int, *, alone: bool) -> list[Claim]:
        terms, most = (self.lease_seconds, self.process), min(room, jobs_called_by(call))
        return self.store.take(lane, call, *terms, most=most, alone=alone, record_version=self.record_version)

    def _let_go(self, waiting: list[HeldJob]) -> None:
        """Requeue jobs for which no slot became free before this process was to stop."""
        try:
            self.give_back(waiting)
        finally:
            for held in waiting:
                self.leases.drop(held)
            self.slots.let_go(waiting)

    def _run_begun(self, held: HeldJob) -> None:
        with self.leases.running():
            outcome = self._outcome(held)
            if outcome.status in FINAL:  # a job that is tried again has yet to be done
                self.leases.rate.count_ended()
            else:
                self.dispatcher.dispatch_or_leave(Lane)  # the owner may have been at its cap in any
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
            # Not released: when its lease ends it is a suspect, like the jobs of a dead worker.
            self.store.lose_engine(claim, alone=self.slots.is_alone)
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
        """Write the result. Delete a canceled job's objects, except a picture in the client's bucket."""
        if "model" in stages.milliseconds:
            self.slot_costs.count_painted(result.width * result.height, stages.milliseconds["model"] / 1000)
        cost = cost_beyond_expected(claim.job.request.params, max(result.width, result.height))
        status = self._end(Ending(claim, result, cost + self._slot_cost(stages), stages.effort))
        if status is JobStatus.CANCELED:
            for key in keys_of_result(claim.job, result):
                self.storage.delete(key)
        return Outcome(status)

    def _fail(self, claim: Claim, stages: Stages, code: str, detail: str, *, retryable: bool) -> Outcome:
        error = JobError(
            code=code, detail=detail, stage=stages.current, retryable=retryable, attempts=claim.job.attempt
        )
        status = self._end(Ending(claim, error, self._slot_cost(stages), stages.effort))
        return Outcome(status, logging.WARNING, {"code": code, "detail": detail})

    def _end(self, ending: Ending) -> JobStatus | None:
        """Write an outcome. The slot is free meanwhile; bulk jobs wait a moment for others that end."""
        self.slots.free()
        return self.endings.write(ending, linger=ending.claim.job.lane is Lane.BULK and self.slots.busy > 0)

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
        status = self.store.release(
            claim,
            delay_seconds=delay_seconds,
            counts=counts,
            slot_cost=self._slot_cost(stages),
            effort=stages.effort,
        )
        if status is JobStatus.CANCELED:
            self.dispatcher.dispatch_or_leave(Lane)
        return status

    def _slot_cost(self, stages: Stages) -> int:
        return self.slot_costs.cost_of(stages.seconds_beside_device())
