"""The state of the lanes, for operators and autoscalers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus, Record


class LaneState(Record):
    """One lane at one moment, with the jobs of all owners."""

    lane: Lane
    waiting: int = Field(description="Jobs in the store, including those of batches that are being read.")
    scheduled: int = Field(description="Jobs that wait for their next attempt.")
    dispatched: int = Field(description="Jobs with a message in the broker.")
    running: int = Field(description="Jobs that a worker holds.")
    canceling: int = Field(description="Canceled jobs that a worker still holds; not counted in `running`.")
    oldest_seconds: float | None = Field(
        None,
        description="Waiting time of the oldest job that could start; absent without one. A lower bound "
        "with more than a hundred owners of waiting jobs.",
    )
    paused: bool = Field(False, description="No job starts until an operator resumes the lane.")

    @property
    def queued(self) -> int:
        """Return the number of jobs that no worker holds."""
        return self.waiting + self.scheduled + self.dispatched

    @property
    def held(self) -> int:
        return self.running + self.canceling


class LaneView(LaneState):
    """One lane and its workers."""

    workers: int = Field(description="Live workers that take jobs of this lane.")
    slots: int = Field(description="Jobs that these workers hold at a time, of all their lanes.")


class FleetView(Record):
    """Lanes with the same workers, and the number of workers wanted."""

    lanes: tuple[Lane, ...] = Field(description="Lanes, highest first.")
    workers: int = Field(description="Live workers that serve one of the lanes and are not draining.")
    desired_workers: int = Field(
        description="The result of `/v1/queue/scale` for these lanes without parameters."
    )


class QueueOverview(Record):
    """All lanes of the service, and the caller's own jobs."""

    lanes: tuple[LaneView, ...] = Field(description="Lanes, highest first.")
    workers: int = Field(description="Live workers.")
    slots: int = Field(description="Jobs that the workers hold at a time.")
    busy: int = Field(description="Jobs that the workers hold now.")
    jobs_per_second: float | None = Field(
        None, description="Recent rate of the busy workers; absent before the first job ended."
    )
    capacity_per_second: float | None = Field(
        None, description="Rate if all workers were busy; absent while it is unknown."
    )
    fleets: tuple[FleetView, ...] = Field(
        (), description="The workers wanted, by fleet; fleets without jobs and workers are left out."
    )
    own: dict[JobStatus, int] = Field(description="The caller's own jobs by status.")


class RateSource(StrEnum):
    WORKERS = "workers"  # measured by live workers
    LAST_KNOWN = "last-known"  # measured by workers that are gone
    UNKNOWN = "unknown"  # no worker has ever ended a job of these lanes


class ScaleView(Record):
    """The number of workers wanted. A worker is a process that holds STYLEQUEUE_WORKER_THREADS jobs."""

    lanes: tuple[Lane, ...] = Field(description="The counted lanes.")
    waiting: int = Field(description="Jobs that no worker holds, except those of paused lanes.")
    running: int = Field(description="Jobs that workers hold.")
    chores: int = Field(description="Batches whose results must be written, and hosts with due webhooks.")
    seconds_per_job: float | None = Field(
        None, description="Seconds per job of one busy worker; absent until a worker has ended a job."
    )
    seconds_per_job_from: RateSource
    load: float | None = Field(
        None, description="(waiting + running) x seconds_per_job: seconds that one worker would need."
    )
    target_seconds: float = Field(description="Time in which the load should be done.")
    min_workers: int
    max_workers: int
    workers: int = Field(description="Live workers that serve one of the lanes and are not draining.")
    desired_workers: int = Field(description="ceil(load / target_seconds), within the limits.")


class LaneList(Record):
    """All lanes, the highest first."""

    lanes: tuple[LaneState, ...]


class Period(Record):
    """The ended jobs of all owners in a period."""

    seconds: float
    ended: dict[JobStatus, int] = Field(description="Ended jobs by status.")
    ended_per_second: float
    failed: dict[str, int] = Field(description="Failed jobs by error code, the most frequent first.")


class RecentEnds(Record):
    """The ended jobs of the last periods."""

    at: datetime = Field(description="Time of the report by Redis' clock.")
    minute: Period
    quarter_hour: Period
