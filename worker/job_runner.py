"""From a wake-up call to the end of a job: claim, run, and write down what became of it."""

from __future__ import annotations

import random

import structlog

from shared.errors import LeaseLost, ModelUnavailable, PermanentError, QueueUnavailable, TransientError
from shared.job_store import Claim, JobStore
from shared.queue import Dispatcher
from shared.records import FINAL, JobError, JobResult, JobStatus
from shared.storage import Storage
from worker.leases import Leases
from worker.metrics import JOBS
from worker.pipeline import Pipeline, Stages

RETRY_BASE_SECONDS = 1.0
RETRY_CAP_SECONDS = 60.0


def retry_delay_seconds(attempt: int, unit_random: float) -> float:
    """Exponential backoff with full jitter: `unit_random` in [0, 1) of min(cap, base * 2^(attempt - 1))."""
    return float(unit_random * min(RETRY_CAP_SECONDS, RETRY_BASE_SECONDS * 2 ** (attempt - 1)))


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
    ) -> None:
        self._store = store
        self._storage = storage
        self._pipeline = pipeline
        self._leases = leases
        self._dispatcher = dispatcher
        self._lease_seconds = lease_seconds

    def run(self, job_id: str) -> None:
        """Runs the job if it is to be had; a message that comes twice, or too late, does nothing.

        Raises:
            QueueUnavailable: Redis went away. The job's lease ends and the sweeper takes it from there.
            ModelUnavailable: the job was given back; this process must stop.
        """
        claim = self._store.claim(job_id, self._lease_seconds)
        if claim is None:
            return
        with structlog.contextvars.bound_contextvars(job_id=job_id, attempt=claim.job.attempt):
            self._run_claimed(claim)
        self._dispatcher.dispatch_or_leave([claim.job.lane])

    def _run_claimed(self, claim: Claim) -> None:
        log = structlog.get_logger()
        with self._leases.hold(claim) as held:
            stages = Stages(held.check)
            try:
                result = self._pipeline.run(claim.job, stages)
                outcome = self._succeed(claim, result)
            except PermanentError as error:
                outcome = self._fail(claim, stages, error.code, error.detail, retryable=False)
            except LeaseLost:
                outcome = self._store.release(claim, counts=True)
            except ModelUnavailable:
                self._store.release(claim, counts=False)
                raise
            except QueueUnavailable:
                raise
            except TransientError as error:
                outcome = self._try_later(claim, stages, error)
            except Exception as error:
                log.exception("job failed unexpectedly", stage=stages.current)
                detail = f"The worker failed unexpectedly ({type(error).__name__})"
                outcome = self._fail(claim, stages, "internal-error", detail, retryable=True)
            if outcome in FINAL:  # one that is put off has yet to be done
                self._leases.rate.count_ended()
        JOBS.labels(outcome or "lost").inc()
        log.info("job ended", outcome=outcome or "lost", stage=stages.current, **stages.milliseconds)

    def _succeed(self, claim: Claim, result: JobResult) -> JobStatus | None:
        outcome = self._store.succeed(claim, result)
        if outcome is JobStatus.CANCELED:
            self._storage.delete(result.key)
        return outcome

    def _fail(
        self, claim: Claim, stages: Stages, code: str, detail: str, *, retryable: bool
    ) -> JobStatus | None:
        error = JobError(
            code=code, detail=detail, stage=stages.current, retryable=retryable, attempts=claim.job.attempt
        )
        return self._store.fail(claim, error)

    def _try_later(self, claim: Claim, stages: Stages, error: TransientError) -> JobStatus | None:
        attempt = claim.job.attempt
        if attempt >= claim.job.max_attempts:
            return self._fail(claim, stages, error.code, error.detail, retryable=True)
        delay = retry_delay_seconds(attempt, random.random())  # noqa: S311 - jitter, not a secret
        return self._store.release(claim, delay_seconds=delay, counts=True)
