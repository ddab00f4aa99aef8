"""What is simulated: the jobs, the workers, and who starts and stops them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.scheduling.scaling import Target
from simulation.arrivals import Stream
from simulation.fleet import WorkerKind
from simulation.service_times import ServiceTime


@dataclass(frozen=True)
class Scenario:
    """The same for all plans that are compared."""

    streams: tuple[Stream, ...]
    service: ServiceTime
    worker: WorkerKind
    seconds: float  # in which jobs come; it ends when the last of them has
    owners: int = 1
    poll_seconds: float = 30.0  # between two looks of the autoscaler
    hold_seconds: float = 300.0  # it stops workers that it has not wanted for so long
    seed: int = 1

    @property
    def seconds_per_job(self) -> float:
        """Of a worker that is never idle, if all jobs took the same: known before one ends."""
        slots, overhead = self.worker.slots, self.worker.overhead_seconds
        return max(self.service.mean, (self.service.mean + overhead) / slots)


@dataclass(frozen=True)
class Plan:
    """How many workers there are: as the rule of scaling says, or always the same."""

    name: str
    target: Target


def fixed_plan(workers: int) -> Plan:
    return Plan(f"{workers} workers", Target(1.0, workers, workers))
