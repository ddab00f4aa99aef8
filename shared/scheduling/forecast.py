"""An estimate of when a waiting job ends, from the workers' rate and the number of jobs before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import mean

from shared.scheduling.lane_order import MAX_PASSES
from shared.wire.descriptors import Lane
from shared.wire.record_version import BASE_VERSION
from shared.wire.records import Eta, JobStatus, QueueView, WorkerInfo

Z_P90 = 1.2816  # of the standard normal distribution
DECIMALS = 1


@dataclass(frozen=True)
class Forecast:
    """The state of all workers and lanes at one moment, from which any number of jobs can be estimated."""

    workers: Sequence[WorkerInfo]
    load: Mapping[Lane, Mapping[JobStatus, int]]
    seen_seconds: float  # `workers` holds those with a heartbeat in this time
    paused: Set[Lane] = frozenset()

    def of(self, lane: Lane, position: int | None, needs: int = BASE_VERSION) -> QueueView:
        """Return the queue view of a job at this position of its lane.

        `position` is None for a job that waits for its next attempt. `needs` is the record version that its
        worker must understand.
        """
        if lane in self.paused:
            reason = f"The lane '{lane}' is paused: its jobs start when an operator resumes it"
            return QueueView(position=position, runnable=False, reason=reason)
        serving = [worker for worker in self.workers if lane in worker.lanes]
        if not serving:
            reason = f"No worker that serves the lane '{lane}' was seen in the last {self.seen_seconds:g} s"
            return QueueView(position=position, runnable=False, reason=reason)
        serving = [worker for worker in serving if worker.level >= needs]
        if not serving:
            reason = f"No worker of the lane '{lane}' understands the request; they are of an older version"
            return QueueView(position=position, runnable=False, reason=reason)
        rate = total_rate(serving)
        if rate is None or position is None:
            return QueueView(position=position, runnable=True)
        return QueueView(
            position=position,
            eta_seconds=eta(self._ends_before(lane, position, serving), rate),
            runnable=True,
        )

    def _ends_before(self, lane: Lane, position: int, serving: Sequence[WorkerInfo]) -> int:
        """Return how many jobs of these workers' lanes will have ended once this job ends, itself included.

        The job starts after the jobs before it in its lane and after jobs of higher lanes. A lane lets at
        most MAX_PASSES of those pass for each of its own (shared/scheduling/lane_order.py). The number of
        running jobs is assumed to stay as it is now.
        """
        served = {other for worker in serving for other in worker.lanes}
        order = list(Lane)
        higher = [other for other in order[: order.index(lane)] if other in served - self.paused]
        above = sum(self.load[other][JobStatus.QUEUED] for other in higher)
        running = sum(self.load[other][JobStatus.RUNNING] for other in served)
        return position + min(above, MAX_PASSES * position) + max(running - 1, 0)


def total_rate(workers: Sequence[WorkerInfo]) -> float | None:
    """Return the workers' total jobs per second; None if no worker has ended a job yet.

    A worker that has not ended a job yet counts as the mean of the others.
    """
    known = [worker.rate for worker in workers if worker.rate]
    return mean(known) * len(workers) if known else None


def eta(ends: int, rate: float) -> Eta:
    """Return the seconds until `ends` jobs have ended, if they end at random, `rate` per second on average.

    That time is Gamma-distributed with shape k = `ends`. Its quantiles are approximated as in Wilson and
    Hilferty (The distribution of chi-square, PNAS 17, 1931): k (1 - 1/(9k) + z / (3 sqrt(k)))^3, with z the
    quantile of the standard normal distribution.
    """
    p50, p90 = (round(_gamma_quantile(ends, z) / rate, DECIMALS) for z in (0.0, Z_P90))
    return Eta(p50=p50, p90=p90)


def _gamma_quantile(shape: int, z: float) -> float:
    return float(shape * (1 - 1 / (9 * shape) + z / (3 * shape**0.5)) ** 3)
