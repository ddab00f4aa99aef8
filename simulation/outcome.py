"""The figures of a simulated plan."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import fmean
from typing import Any

from simulation.fleet import Fleet
from simulation.scenario import Plan

HOUR = 3600.0
DECIMALS = 4


class Times:
    """The times of jobs in seconds, in the order in which the jobs started."""

    def __init__(self) -> None:
        self.waited = array("d")  # from arrival to start
        self.stayed = array("d")  # from arrival to end

    def note(self, waited: float, stayed: float) -> None:
        self.waited.append(waited)
        self.stayed.append(stayed)


@dataclass(frozen=True)
class Spread:
    """The distribution of a time over jobs, in seconds; all 0 if there were no jobs."""

    mean: float
    p50: float
    p90: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        ordered = sorted(seconds) or [0.0]
        p50, p90, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.9, 0.99))
        return cls(fmean(ordered), p50, p90, p99, ordered[-1])


class Outcome:
    def __init__(
        self,
        plan: Plan,
        seconds: float,
        times: Mapping[str, Times],
        fleet: Fleet,
        accelerator_seconds: float,
    ) -> None:
        """Compute the figures; `fleet.end` must have been called."""
        self.plan = plan
        self.seconds = seconds  # length of the simulated time
        self.lanes = {lane: lane_times for lane, lane_times in times.items() if lane_times.waited}
        self.jobs = sum(len(lane.waited) for lane in self.lanes.values())
        self.most_workers = fleet.most
        self.worker_hours = fleet.paid_seconds / HOUR
        offered = fleet.ready_seconds * fleet.kind.calls
        self.utilization = accelerator_seconds / offered if offered else 0.0

    @property
    def mean_workers(self) -> float:
        return self.worker_hours * HOUR / self.seconds if self.seconds else 0.0

    def waited(self) -> Spread:
        return Spread.of([seconds for lane in self.lanes.values() for seconds in lane.waited])

    def stayed(self) -> Spread:
        return Spread.of([seconds for lane in self.lanes.values() for seconds in lane.stayed])

    def cost(self, per_hour: float) -> float:
        return self.worker_hours * per_hour

    def as_dict(self, per_hour: float | None) -> dict[str, Any]:
        """Return the figures for JSON; times are in seconds unless their name says otherwise."""
        figures: dict[str, Any] = {
            "plan": self.plan.name,
            "target_seconds": self.plan.target.seconds,
            "min_workers": self.plan.target.min_workers,
            "max_workers": self.plan.target.max_workers,
            "jobs": self.jobs,
            "seconds": round(self.seconds, DECIMALS),
            "waited": _rounded(self.waited()),
            "stayed": _rounded(self.stayed()),
            "most_workers": self.most_workers,
            "mean_workers": round(self.mean_workers, DECIMALS),
            "utilization": round(self.utilization, DECIMALS),
            "worker_hours": round(self.worker_hours, DECIMALS),
            "lanes": {
                lane: {"jobs": len(times.waited), "waited": _rounded(Spread.of(times.waited))}
                for lane, times in self.lanes.items()
            },
        }
        return figures if per_hour is None else {**figures, "cost": round(self.cost(per_hour), DECIMALS)}


def _rounded(spread: Spread) -> dict[str, float]:
    return {name: round(seconds, DECIMALS) for name, seconds in asdict(spread).items()}
