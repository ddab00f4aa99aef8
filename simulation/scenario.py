"""The input of a simulation: the jobs, the workers, and the rule that starts and stops them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.scheduling.scaling import Target
from simulation.arrivals import Stream
from simulation.fleet import WorkerKind
from simulation.service_times import ServiceTime


@dataclass(frozen=True)
class Scenario:
    """The jobs and workers, the same for all plans that are compared."""

    streams: tuple[Stream, ...]
    service: ServiceTime
    worker: WorkerKind
    seconds: float  # jobs arrive in this period; the simulation ends with the last job
    owners: int = 1
    poll_seconds: float = 30.0  # between two runs of the autoscaler
    hold_seconds: float = 300.0  # the autoscaler stops workers that it has not needed for this time
    seed: int = 1

    @property
    def seconds_per_job(self) -> float:
        """The expected seconds per job of a busy worker, used until the first job has ended.

        It assumes that all jobs take the mean time.
        """
        return self.worker.seconds_per_job(self.service.mean)


@dataclass(frozen=True)
class Plan:
    """The rule for the number of workers: a scaling target, or a fixed number."""

    name: str
    target: Target


def fixed_plan(workers: int) -> Plan:
    return Plan(f"{workers} workers", Target(1.0, workers, workers))
