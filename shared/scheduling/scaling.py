"""The number of workers that a queue needs, for an autoscaler and for `stylequeue simulate`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import ceil

from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.queue_records import LaneState

DECIMALS = 9  # a quotient is rounded to these, so that a float error does not add a worker


@dataclass(frozen=True)
class Demand:
    """The work of a set of lanes."""

    waiting: int  # jobs that no worker holds and that may start
    running: int  # jobs that workers hold
    seconds_per_job: float | None  # of one worker that is never idle; None until a worker has ended a job
    chores: int = 0  # work for any living worker besides jobs

    @property
    def jobs(self) -> int:
        return self.waiting + self.running

    @property
    def load(self) -> float | None:
        """The seconds that one worker alone would need for all jobs."""
        return None if self.seconds_per_job is None else self.jobs * self.seconds_per_job


@dataclass(frozen=True)
class Target:
    """An operator's goal for a fleet."""

    seconds: float  # all jobs that wait or run now should end within this time
    min_workers: int
    max_workers: int  # wins over `min_workers`


def desired_workers(demand: Demand, target: Target) -> int:
    """Return the workers for this demand: ceil(load / target), at most one per job, within the limits.

    The function keeps no state, so it does not matter how often it is called or by how many callers. By
    Little's law (jobs = arrivals per second x seconds that each job stays), a steady stream settles where
    jobs stay for `target.seconds`. The result there is arrivals per second x seconds per job, exactly the
    workers that the stream needs. While the seconds per job are unknown, one worker has to measure them.
    """
    needed = 1 if demand.jobs or demand.chores else 0
    if demand.load is not None:
        needed = max(needed, min(demand.jobs, ceil(round(demand.load / target.seconds, DECIMALS))))
    return min(max(needed, target.min_workers), target.max_workers)


def fleets_of(served: Iterable[Collection[Lane]]) -> list[tuple[Lane, ...]]:
    """Group the lanes into fleets: two lanes are in the same one if any worker serves both.

    `served` holds the lanes of each worker. Lanes that no worker serves are grouped as by the default of
    STYLEQUEUE_WORKER_LANES.
    """
    groups = [set(lanes) for lanes in served]
    groups.append(set(FAST_LANES).difference(*groups))
    fleets = [{lane} for lane in Lane]
    for group in groups:
        joined = [fleet for fleet in fleets if fleet & group]
        fleets = [fleet for fleet in fleets if not fleet & group] + [group.union(*joined)]
    ordered = [tuple(lane for lane in Lane if lane in fleet) for fleet in fleets if fleet]
    return sorted(ordered, key=lambda lanes: list(Lane).index(lanes[0]))


def demand_of(
    states: Iterable[LaneState],
    lanes: Collection[Lane] = tuple(Lane),
    *,
    seconds_per_job: float | None,
    chores: int = 0,
) -> Demand:
    """Return the demand of the given lanes. In a paused lane, running jobs count and waiting jobs do not."""
    counted = [state for state in states if state.lane in lanes]
    return Demand(
        waiting=sum(state.queued for state in counted if not state.paused),
        running=sum(state.held for state in counted),
        seconds_per_job=seconds_per_job,
        chores=chores,
    )
