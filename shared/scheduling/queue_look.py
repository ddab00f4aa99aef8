"""All lanes and workers at one moment, and the views of them for operators and autoscalers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from statistics import mean

from shared.scheduling.forecast import total_rate
from shared.scheduling.scaling import Target, demand_of, desired_workers, fleets_of
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import (
    FleetView,
    LaneState,
    LaneView,
    QueueOverview,
    RateSource,
    ScaleView,
)
from shared.wire.records import JobStatus, WorkerInfo

Rates = Mapping[tuple[Lane, ...], float]  # last known jobs per second of a worker of these lanes
DECIMALS = 3


@dataclass(frozen=True)
class QueueLook:
    lanes: tuple[LaneState, ...]
    workers: tuple[WorkerInfo, ...]  # those alive
    last_rates: Rates  # workers that have ended are included
    chores: int  # work for any living worker besides jobs

    def overview(self, own: Mapping[JobStatus, int], target: Target) -> QueueOverview:
        """Return the state of all lanes, the caller's own jobs, and the workers wanted for this target."""
        busy = [worker for worker in self.workers if worker.busy]
        return QueueOverview(
            lanes=tuple(self._lane_view(state) for state in self.lanes),
            workers=len(self.workers),
            slots=sum(worker.slots for worker in self.workers),
            busy=sum(worker.busy for worker in self.workers),
            jobs_per_second=_rounded(total_rate(busy)) if busy else 0.0,
            capacity_per_second=_rounded(total_rate(self.workers)),
            fleets=tuple(self._fleet_views(target)),
            own=dict(own),
        )

    def scale(self, target: Target, lanes: Collection[Lane]) -> ScaleView:
        """Return the scaling view of a fleet whose workers serve these lanes."""
        serving = [worker for worker in self._staying() if set(worker.lanes) & set(lanes)]
        rate, source = self._rate(serving, lanes)
        seconds_per_job = None if rate is None else 1 / rate
        demand = demand_of(self.lanes, lanes, seconds_per_job=seconds_per_job, chores=self.chores)
        return ScaleView(
            lanes=tuple(lane for lane in Lane if lane in lanes),
            waiting=demand.waiting,
            running=demand.running,
            chores=demand.chores,
            seconds_per_job=_rounded(seconds_per_job),
            seconds_per_job_from=source,
            load=_rounded(demand.load),
            target_seconds=target.seconds,
            min_workers=target.min_workers,
            max_workers=target.max_workers,
            workers=len(serving),
            desired_workers=desired_workers(demand, target),
        )

    def _fleet_views(self, target: Target) -> Iterator[FleetView]:
        for lanes in fleets_of(worker.lanes for worker in self._staying()):
            scale = self.scale(target, lanes)
            if scale.workers or scale.waiting or scale.running:
                yield FleetView(lanes=lanes, workers=scale.workers, desired_workers=scale.desired_workers)

    def _lane_view(self, state: LaneState) -> LaneView:
        serving = [worker for worker in self._staying() if state.lane in worker.lanes]
        slots = sum(worker.slots for worker in serving)
        return LaneView(**dict(state), workers=len(serving), slots=slots)

    def _staying(self) -> list[WorkerInfo]:
        return [worker for worker in self.workers if not worker.draining]

    def _rate(
        self, serving: Collection[WorkerInfo], lanes: Collection[Lane]
    ) -> tuple[float | None, RateSource]:
        """Return the jobs per second of one worker of these lanes, and the source of that figure."""
        measured = total_rate(list(serving))
        if measured:
            return measured / len(serving), RateSource.WORKERS
        known = [rate for of_lanes, rate in self.last_rates.items() if set(of_lanes) & set(lanes)]
        return (mean(known), RateSource.LAST_KNOWN) if known else (None, RateSource.UNKNOWN)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)
