"""Compare `stylequeue simulate` with real workers behind real Redis, S3, Celery and API.

The workers' accelerators are simulated (bench/stacks/simulated_worker.py). One worker is measured first, as
an operator would do. Its rate with a full queue gives the time in the accelerator. Single jobs give the time
around it, and the time until a free worker takes a job, which is added to each simulated wait. From these
figures the simulation must predict the throughput of several workers with a full queue, as in bench.scale,
and the times of jobs that come at random and in bursts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import mean, median

from bench.clients.arrivals import replay
from bench.clients.bulk_client import connected
from bench.measures.cpu_use import CpuUse
from bench.measures.report import Pair, Report, rate_between, table
from bench.measures.scratch import scratch_folder
from bench.stacks.servers import running_servers
from bench.stacks.slots import CALL_SECONDS, CALLS, THREADS, Slots
from shared.wire.descriptors import Lane
from simulation.arrivals import Arrival, Trace
from simulation.engine import simulate
from simulation.fleet import WorkerKind
from simulation.outcome import Outcome
from simulation.scenario import Scenario, fixed_plan
from simulation.service_times import fixed

SLOTS = (2, 4, 8)
SECONDS = 40.0  # of arrivals
LOAD = 0.7  # of what the workers can do, at random moments
BURST_JOBS, BURST_SECONDS = 20, 10.0  # jobs a worker, and between two bursts
LONE_JOBS = 10
TOLERANCE = 0.1


def at_random(workers: int) -> list[float]:
    """Return moments of a Poisson process."""
    random, per_second = Random(7), LOAD * workers / CALL_SECONDS
    moments = [random.expovariate(per_second)]
    while moments[-1] < SECONDS:
        moments.append(moments[-1] + random.expovariate(per_second))
    return moments


def in_bursts(workers: int) -> list[float]:
    bursts = int(SECONDS / BURST_SECONDS)
    return [number * BURST_SECONDS for number in range(bursts) for _ in range(BURST_JOBS * workers)]


PATTERNS: dict[str, Callable[[int], list[float]]] = {"at random": at_random, "in bursts": in_bursts}


class Comparison:
    """A growing number of real workers, and the simulation of as many."""

    def __init__(self, slots: Slots, report: Report) -> None:
        self._slots, self._report = slots, report
        slots.grow_to(1)
        self.service_seconds = 1 / slots.measure("one").pair.ours
        lone = replay(slots, [float(number) for number in range(LONE_JOBS)], "lone")
        self.claim_seconds = median(job.waited for job in lone)
        self.overhead_seconds = max(0.0, median(job.stayed for job in lone) - self.service_seconds)
        around = f"and a lone one {1000 * self.overhead_seconds:.0f} ms around that"
        around += f", {1000 * self.claim_seconds:.0f} ms of it until a free worker has it"
        report.say(
            f"one worker: {1000 * self.service_seconds:.0f} ms a job ({CALL_SECONDS:g} s asked for), {around}"
        )

    def throughput(self, count: int, tag: str) -> Pair:
        """Return jobs per second, simulated over measured."""
        measured = self._slots.measure(tag)
        outcome = self._simulate([0.0] * (count * (CALLS + 1 + THREADS)), count)
        rate = rate_between(_ends(outcome, [0.0] * outcome.jobs), count, count * (CALLS + 1))
        pair = Pair(rate, measured.pair.ours, measured.pair.others)
        self._say(f"{count} workers, jobs/s", pair)
        return pair

    def waits(self, count: int, pattern: str, tag: str) -> dict[str, Pair]:
        """Return mean seconds until a worker took a job and until it had ended, simulated over measured."""
        use = CpuUse()
        seen = replay(self._slots, PATTERNS[pattern](count), f"{tag}-{pattern}")
        others = use.cores_of_others()
        outcome = self._simulate([job.created - seen[0].created for job in seen], count)
        times = outcome.lanes[Lane.NORMAL]
        pairs = {
            "waited": Pair(mean(times.waited) + self.claim_seconds, mean(job.waited for job in seen), others),
            "stayed": Pair(mean(times.stayed), mean(job.stayed for job in seen), others),
        }
        for name, pair in pairs.items():
            self._say(f"{count} workers, {pattern}, {name}", pair)
        return pairs

    def _simulate(self, moments: Sequence[float], count: int) -> Outcome:
        jobs = tuple(Arrival(moment, Lane.NORMAL, "one") for moment in moments)
        kind = WorkerKind(THREADS, self.overhead_seconds, 0)
        return simulate(Scenario((Trace(jobs),), fixed(self.service_seconds), kind, 0), fixed_plan(count))

    def _say(self, name: str, pair: Pair) -> None:
        self._report.say(
            f"{name}: simulated {pair.ours:.3f}, measured {pair.theirs:.3f}, ratio {pair.ratio:.3f} "
            f"(others took {pair.others:.2f} cores)"
        )


def _ends(outcome: Outcome, arrived: Sequence[float]) -> list[float]:
    stayed = outcome.lanes[Lane.NORMAL].stayed
    return [begin + seconds for begin, seconds in zip(arrived, stayed, strict=True)]


def measure(folder: Path, rounds: int, slots: Sequence[int], report: Report) -> dict[str, list[Pair]]:
    """Return the ratios, by what is compared."""
    found: dict[str, list[Pair]] = {}
    variables = {"STYLEQUEUE_WORKER_THREADS": str(THREADS)}
    with running_servers(folder / "stack", variables) as servers, connected(servers.url) as client:
        workers = Slots(servers, client, folder)
        comparison = Comparison(workers, report)
        for count in slots:
            workers.grow_to(count)
            for number in range(rounds):
                pair = comparison.throughput(count, f"full-{number}")
                found.setdefault(f"{count} workers, jobs/s", []).append(pair)
            for number in range(rounds if count == slots[0] else 0):
                for pattern in PATTERNS:
                    for name, pair in comparison.waits(count, pattern, f"arrivals-{number}").items():
                        found.setdefault(f"{count} workers, {pattern}: s {name}", []).append(pair)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, nargs="+", default=SLOTS)
    arguments = parser.parse_args()
    report = Report("simulation")
    with scratch_folder() as scratch:
        found = measure(scratch, arguments.rounds, arguments.slots, report)
    ratios = {name: median(pair.ratio for pair in pairs) for name, pairs in found.items()}
    report.say(table(["simulated / measured", "simulated", "measured", "ratio"], _rows(found)))
    worst = max(ratios.values(), key=lambda ratio: abs(ratio - 1))
    within = all(abs(ratio - 1) <= TOLERANCE for ratio in ratios.values())
    report.say(f"the farthest from 1: {worst:.3f}; all within {TOLERANCE:.0%}: {'yes' if within else 'no'}")
    runs = [pair for pairs in found.values() for pair in pairs]
    report.finish(worst, runs, unit="simulated / measured", ratios=ratios, within=within)


def _rows(found: dict[str, list[Pair]]) -> list[list[object]]:
    return [
        [
            name,
            median(pair.ours for pair in pairs),
            median(pair.theirs for pair in pairs),
            f"{median(pair.ratio for pair in pairs):.3f}",
        ]
        for name, pairs in found.items()
    ]


if __name__ == "__main__":
    main()
