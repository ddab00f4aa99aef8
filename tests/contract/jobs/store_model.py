"""The store of jobs in plain Python: the effect that every step must have on every job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf

from shared.wire.records import FINAL, JobStatus
from tests.checks.agreement import HELD

RETRIED = FINAL - {JobStatus.SUCCEEDED}


@dataclass
class ModelBatch:
    status: str = "running"
    canceled: bool = False
    failing: bool = False  # its results cannot be written


@dataclass
class ModelJob:
    id: str
    max_attempts: int
    batch_id: str | None = None
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    token: str | None = None
    process: str | None = None
    silent: bool = False  # its lease has ended
    overdue: bool = False  # it did not start within its deadline
    had_company: bool = False
    suspect: bool = False


@dataclass
class StoreModel:
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    batches: dict[str, ModelBatch] = field(default_factory=dict)
    paused: bool = False  # the only lane
    cap: int = 0  # of the only owner's running jobs; 0: none

    def with_status(self, *statuses: JobStatus) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.status in statuses]

    def of_batch(self, batch_id: str) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.batch_id == batch_id]

    @property
    def room(self) -> float:
        """Return how many more jobs may run; negative after the cap was lowered."""
        return self.cap - len(self.with_status(*HELD)) if self.cap else inf

    def holds(self, job_id: str, token: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.token == token

    # --- steps ----------------------------------------------------------------------------------

    def claim(self, job: ModelJob, token: str, process: str) -> None:
        job.attempt += 1
        job.token, job.process, job.silent, job.overdue = token, process, False, False
        self.move(job, JobStatus.RUNNING)

    def finish(self, job: ModelJob, status: JobStatus) -> JobStatus:
        job.suspect = job.suspect and job.status is JobStatus.CANCELING
        self._end(job, JobStatus.CANCELED if job.status is JobStatus.CANCELING else status)
        return job.status

    def release(self, job: ModelJob, *, counts: bool) -> JobStatus:
        if job.status is JobStatus.CANCELING:
            self._end(job, JobStatus.CANCELED)
        else:
            job.attempt -= not counts
            self._let_go(job)
            self.move(job, JobStatus.QUEUED)
        return job.status

    def cancel(self, job: ModelJob) -> None:
        if job.status is JobStatus.QUEUED:
            self._end(job, JobStatus.CANCELED)
        elif job.status is JobStatus.RUNNING:
            self.move(job, JobStatus.CANCELING)

    def may_retry(self, job: ModelJob) -> bool:
        batch = self.batches.get(job.batch_id or "")
        return job.status in RETRIED and not (batch and batch.canceled and batch.status == "running")

    def retry(self, job: ModelJob) -> None:
        job.attempt, job.overdue = 0, False
        self.move(job, JobStatus.QUEUED)

    def retry_all(self, jobs: Iterable[ModelJob]) -> int:
        """Queue again all jobs that may be; return how many."""
        chosen = [job for job in jobs if self.may_retry(job)]
        for job in chosen:
            self.retry(job)
        return len(chosen)

    def remove(self, job: ModelJob) -> None:
        del self.jobs[job.id]
        self._settle(job.batch_id)

    def expire(self, job: ModelJob) -> None:
        self._end(job, JobStatus.EXPIRED)

    def abandon(self, job: ModelJob) -> None:
        """Requeue or fail a job whose worker fell silent."""
        if job.status is JobStatus.CANCELING:
            self._end(job, JobStatus.CANCELED)
            return
        company = list(self._company(job))
        for other in company:
            other.had_company = True
        alone = not company and not job.had_company
        job.suspect = True
        if alone and job.attempt >= job.max_attempts:
            self._end(job, JobStatus.FAILED)
        else:
            self.release(job, counts=alone)

    def lose_engine(self, job: ModelJob, *, alone: bool) -> None:
        if alone:
            job.process = None
        else:
            job.had_company = True

    def move(self, job: ModelJob, status: JobStatus) -> None:
        job.status = status
        self._settle(job.batch_id)

    # --- inside ---------------------------------------------------------------------------------

    def _company(self, job: ModelJob) -> Iterator[ModelJob]:
        return (
            other
            for other in self.with_status(*HELD)
            if other is not job and other.process is not None and other.process == job.process
        )

    def _end(self, job: ModelJob, status: JobStatus) -> None:
        self._let_go(job)
        self.move(job, status)

    def _let_go(self, job: ModelJob) -> None:
        job.token, job.process, job.silent, job.had_company = None, None, False, False

    def _settle(self, batch_id: str | None) -> None:
        """Update a batch: it runs while one of its jobs does."""
        if batch_id is None:
            return
        batch = self.batches[batch_id]
        unfinished = any(job.status not in FINAL for job in self.of_batch(batch_id))
        if not unfinished and batch.status == "running":
            batch.status = "finalizing"
        elif unfinished and batch.status != "running":
            batch.status, batch.canceled, batch.failing = "running", False, False
