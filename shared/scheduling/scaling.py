"""How many workers a queue needs, for whatever starts and stops them; and for `stylequeue simulate`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import ceil

from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.queue_records import LaneState

DECIMALS = 9  # of a quotient, so that what floats add to a whole number is no further worker


@dataclass(frozen=True)
class Demand:
    """What there is to do."""

    waiting: int  # jobs that no worker holds and that may start
    running: int  # jobs that workers hold
    seconds_per_job: float | None  # of one worker that is never idle; None while no worker has ended a job
    chores: int = 0  # work for any living worker besides jobs

    @property
    def jobs(self) -> int:
        return self.waiting + self.running

    @property
    def load(self) -> float | None:
        """Seconds that one worker alone would need for all of it."""
        return None if self.seconds_per_job is None else self.jobs * self.seconds_per_job


@dataclass(frozen=True)
class Target:
    """What an operator wants of a fleet."""

    seconds: float  # in which all that waits and runs now is to be done
    min_workers: int
    max_workers: int  # of both limits, this one holds


def desired_workers(demand: Demand, target: Target) -> int:
    """Workers for this demand: ceil(load / target), no more than there are jobs, within the limits.

    It remembers nothing, so asking often or seldom, or from several places, answers the same. By Little's
    law (jobs = arrivals per second x seconds that each stays) a steady stream comes to rest where
    jobs stay `target.seconds`: there the answer is arrivals per second x seconds per job, which is what they
    need. While the seconds per job are not known, one worker is to find out.
    """
    needed = 1 if demand.jobs or demand.chores else 0
    if demand.load is not None:
        needed = max(needed, min(demand.jobs, ceil(round(demand.load / target.seconds, DECIMALS))))
    return min(max(needed, target.min_workers), target.max_workers)


def fleets_of(served: Iterable[Collection[Lane]]) -> list[tuple[Lane, ...]]:
    """Group the lanes into fleets: two lanes are in the same one if any worker serves both.

    `served` are the lanes of each worker. Lanes that no worker serves are grouped as workers serve them by
    default.
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
    """Of the lanes that are named. What waits in a paused lane calls for no worker; what runs there does."""
    counted = [state for state in states if state.lane in lanes]
    return Demand(
        waiting=sum(state.queued for state in counted if not state.paused),
        running=sum(state.held for state in counted),
        seconds_per_job=seconds_per_job,
        chores=chores,
    )
