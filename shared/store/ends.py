"""Claims on jobs, and the ends that a worker writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Self

from pydantic_core import to_json

from shared.errors import QueueUnavailable
from shared.policy.object_keys import keys_of_result
from shared.store.counts.effort import NO_EFFORT, Effort
from shared.wire.descriptors import Lane
from shared.wire.records import Job, JobError, JobResult, JobStatus

NOT_WRITTEN = "error "  # begins what the script `finish` returns for a job that it could not end


@dataclass(frozen=True)
class Claim:
    """The right to work on a job, until its lease ends or the token is replaced."""

    job: Job
    token: str


@dataclass(frozen=True)
class Ending:
    """The outcome of a claimed job, to be written."""

    claim: Claim
    outcome: JobResult | JobError
    slot_cost: int = 0  # of the time for which the job held its slot without using the device
    effort: Effort = NO_EFFORT

    @property
    def status(self) -> JobStatus:
        return JobStatus.SUCCEEDED if isinstance(self.outcome, JobResult) else JobStatus.FAILED

    def arguments(self) -> tuple[str | int, ...]:
        """Return the job's arguments for the script `finish`."""
        job, outcome = self.claim.job, self.outcome
        field = "result" if isinstance(outcome, JobResult) else "error"
        started_ms = round((job.started_at or job.queued_at).timestamp() * 1000)
        text = outcome.model_dump_json()
        return (
            job.id,
            self.claim.token,
            self.status,
            field,
            text,
            self.slot_cost,
            started_ms,
            *self._objects,
            *self.effort.arguments(),
            *self._painted,
        )

    @property
    def _painted(self) -> tuple[int, int]:
        """The pixels and bytes of the picture."""
        result = self.outcome
        return (result.width * result.height, result.bytes) if isinstance(result, JobResult) else (0, 0)

    @property
    def _objects(self) -> tuple[str, int]:
        """The keys of the objects in the service's bucket as JSON, and their bytes."""
        result = self.outcome
        if not isinstance(result, JobResult):
            return "[]", 0
        picture = 0 if result.bucket else result.bytes
        thumbnail = result.thumbnail.bytes if result.thumbnail else 0
        return to_json(keys_of_result(self.claim.job, result)).decode(), picture + thumbnail


@dataclass(frozen=True)
class Ends:
    """The status of each job, and the lanes in which owners that were at their cap may start jobs again.

    A status is CANCELED if a cancel came first, None if the claim is void, and an error if the job's record
    is damaged.
    """

    statuses: Sequence[JobStatus | QueueUnavailable | None]
    freed: Set[Lane] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str], lanes: Iterable[str]) -> Self:
        """Return what the script `finish` says."""
        return cls([_ended(text) for text in texts], {Lane(lane) for lane in lanes})


def _ended(text: str) -> JobStatus | QueueUnavailable | None:
    if text.startswith(NOT_WRITTEN):
        return QueueUnavailable(f"The job cannot be ended: {text.removeprefix(NOT_WRITTEN)}")
    return JobStatus(text) if text else None
