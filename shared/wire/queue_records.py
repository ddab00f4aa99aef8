"""What the lanes hold, as operators and autoscalers are told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus, Record


class LaneState(Record):
    """One lane at one moment, the jobs of all owners."""

    lane: Lane
    waiting: int = Field(description="Jobs in the store, those of batches being read among them.")
    scheduled: int = Field(description="Jobs that wait for the time of their next attempt.")
    dispatched: int = Field(description="Jobs for which a message is in the broker.")
    running: int = Field(description="Jobs that a worker holds.")
    canceling: int = Field(description="Of those that a worker holds, besides `running`: canceled ones.")
    oldest_seconds: float | None = Field(
        None,
        description="For how long the oldest job that could start has waited; absent if there is none. "
        "With more than a hundred owners whose jobs wait it may have waited longer.",
    )
    paused: bool = Field(False, description="No job of it starts until an operator resumes it.")

    @property
    def queued(self) -> int:
        """Jobs that no worker holds."""
        return self.waiting + self.scheduled + self.dispatched

    @property
    def held(self) -> int:
        return self.running + self.canceling


class LaneView(LaneState):
    """One lane, and who serves it."""

    workers: int = Field(description="Living workers that take jobs of this lane.")
    slots: int = Field(description="Jobs that these hold at a time, of all their lanes.")


class FleetView(Record):
    """Lanes that the same workers serve, and how many of these workers there should be."""

    lanes: tuple[Lane, ...] = Field(description="The highest first.")
    workers: int = Field(description="Workers that are alive, serve one of the lanes and do not drain.")
    desired_workers: int = Field(
        description="As `/v1/queue/scale` says for these lanes, without a parameter."
    )


class QueueOverview(Record):
    """All lanes of the service, and the caller's own jobs."""

    lanes: tuple[LaneView, ...] = Field(description="The highest first.")
    workers: int = Field(description="That are alive.")
    slots: int = Field(description="Jobs that they hold at a time.")
    busy: int = Field(description="Jobs that they held now.")
    jobs_per_second: float | None = Field(
        None, description="Ended lately by the workers that have any; absent before the first of them ended."
    )
    capacity_per_second: float | None = Field(
        None, description="If all workers had as much as they can do; absent while that is not known."
    )
    fleets: tuple[FleetView, ...] = Field(
        (), description="How many workers there should be; a fleet without jobs and workers is left out."
    )
    own: dict[JobStatus, int] = Field(description="The caller's own jobs by status.")


class RateSource(StrEnum):
    WORKERS = "workers"  # measured by those that are alive
    LAST_KNOWN = "last-known"  # measured by workers that are gone
    UNKNOWN = "unknown"  # no worker has ever ended a job of these lanes


class ScaleView(Record):
    """How many workers there should be. A worker is a process that holds STYLEQUEUE_WORKER_THREADS jobs."""

    lanes: tuple[Lane, ...] = Field(description="That are counted.")
    waiting: int = Field(description="Jobs that no worker holds, without those of paused lanes.")
    running: int = Field(description="Jobs that workers hold.")
    chores: int = Field(description="Batches to bring to their end, and hosts to which a webhook is due.")
    seconds_per_job: float | None = Field(
        None, description="Of one worker that is never idle; absent while no worker has ended a job."
    )
    seconds_per_job_from: RateSource
    load: float | None = Field(
        None, description="(waiting + running) x seconds_per_job: seconds that one worker would need."
    )
    target_seconds: float = Field(description="In which all of it is to be done.")
    min_workers: int
    max_workers: int
    workers: int = Field(description="That are alive, serve one of the lanes and do not drain.")
    desired_workers: int = Field(description="ceil(load / target_seconds), within the limits.")


class LaneList(Record):
    """The highest first."""

    lanes: tuple[LaneState, ...]


class Period(Record):
    """What came of jobs in a span of time, those of all owners."""

    seconds: float
    ended: dict[JobStatus, int] = Field(description="Jobs that ended, by how.")
    ended_per_second: float
    failed: dict[str, int] = Field(description="Of these, the failed ones by error code, the most first.")


class RecentEnds(Record):
    """What came of jobs lately, up to this moment."""

    at: datetime = Field(description="By Redis' clock.")
    minute: Period
    quarter_hour: Period
