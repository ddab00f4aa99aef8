"""The cost of a job in every part of the stack but the model, which only copies the picture.

With `--against` another checkout of this project runs beside this one, and their rounds alternate. Processor
time is the measure, because other programs disturb it less than jobs per second.
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.clients.batch_client import bulk_jobs, jobs_of, middle_rate, submit, upload_all, wait_for_batch
from bench.clients.bulk_client import JobsFailed, connected, upload, wait_for_workers
from bench.clients.pictures import make_photos, style_file
from bench.measures.cpu_use import seconds_with_client
from bench.measures.redis_state import RedisState
from bench.measures.report import Report, alternately, median_ratio, medians, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import PROJECT, Child
from bench.stacks.subject import default_layout, environment

STACK = Path(__file__).parent / "stacks" / "pipeline_stack.py"
PHOTOS = 100  # different files
WARM_UP_JOBS = 200
ALLOWED_RATIO = 0.55  # of the other checkout's processor time
SHOWN_COMMANDS = 5


@dataclass(frozen=True)
class Cost:
    """The figures of one batch."""

    jobs_per_second: float
    cpu_ms: dict[str, float]  # a job, by part, from the batch's submission to its end
    redis_calls: dict[str, float]  # a job, by command
    redis_us: dict[str, float]  # a job, by command, as Redis counts it


class Stack:
    """The stack of one checkout and the costs measured in it."""

    def __init__(self, project: Path, folder: Path, workers: int, parts: ExitStack) -> None:
        self.costs: list[Cost] = []
        folder.mkdir()
        child = parts.enter_context(
            Child(
                STACK,
                str(folder),
                str(workers),
                environment=environment() | {"PYTHONPATH": str(project)},
                project=project,
            )
        )
        urls = json.loads(child.hear())
        self._stack = psutil.Process(child.pid)
        self._client = parts.enter_context(connected(urls["api"]))
        self._redis = RedisState(urls["redis"])
        parts.callback(self._redis.close)
        wait_for_workers(self._client, workers)

    def prepare(self, photos: list[Path]) -> None:
        self._contents = upload_all(self._client, photos)
        self._style = upload(self._client, style_file())
        self._run(WARM_UP_JOBS)

    def cpu_ms(self, jobs: int) -> float:
        """Run a batch; return the milliseconds of a job in all parts together."""
        cpu, calls, microseconds = seconds_with_client(self._stack), *self._redis.commands()
        batch = self._run(jobs)
        cpu = seconds_with_client(self._stack) - cpu
        calls_now, microseconds_now = self._redis.commands()
        cost = Cost(
            middle_rate(list(jobs_of(self._client, batch))),
            {part: 1000 * seconds / jobs for part, seconds in cpu.items()},
            {name: count / jobs for name, count in (calls_now - calls).items()},
            {name: used / jobs for name, used in (microseconds_now - microseconds).items()},
        )
        self.costs.append(cost)
        return sum(cost.cpu_ms.values())

    def _run(self, count: int) -> str:
        batch = submit(self._client, bulk_jobs(self._contents, self._style, count))
        if failed := wait_for_batch(self._client, batch):
            raise JobsFailed(f"{failed} of {count} jobs failed")
        return batch


def main() -> None:
    arguments = _arguments()
    report = Report("pipeline")
    with scratch_folder() as scratch, ExitStack() as parts:
        projects = [PROJECT, *([arguments.against.resolve()] if arguments.against else [])]
        stacks = [
            Stack(project, scratch / f"checkout-{number}", arguments.workers, parts)
            for number, project in enumerate(projects)
        ]
        photos = make_photos(scratch / "photos", PHOTOS, seed=1)
        for stack in stacks:
            stack.prepare(photos)
        pairs = alternately(
            lambda _: stacks[0].cpu_ms(arguments.jobs),
            lambda _: stacks[-1].cpu_ms(arguments.jobs) if arguments.against else 1.0,
            arguments.rounds,
            lambda number, _: report.say(f"round {number + 1}: " + "; against ".join(map(_words, stacks))),
        )
    for stack, project in zip(stacks, projects, strict=True):
        _say_costs(report, project, stack.costs)
    ratio = median_ratio(pairs)
    if arguments.against:
        report.say(f"a job takes {ratio:.0%} of the other checkout's CPU; allowed {ALLOWED_RATIO:.0%}")
    report.finish(
        ratio, pairs, unit="CPU ms a job", jobs=arguments.jobs, workers=arguments.workers,
        costs={str(project): [asdict(cost) for cost in stack.costs]
               for project, stack in zip(projects, stacks, strict=True)},
    )  # fmt: skip


def _words(stack: Stack) -> str:
    cost = stack.costs[-1]
    return f"{cost.jobs_per_second:.1f} jobs/s, {sum(cost.cpu_ms.values()):.2f} ms of CPU a job"


def _say_costs(report: Report, project: Path, costs: list[Cost]) -> None:
    """Print the medians over the rounds."""
    cpu_ms = medians([cost.cpu_ms for cost in costs])
    rate = median(cost.jobs_per_second for cost in costs)
    report.say(f"{project}: {rate:.1f} jobs/s")
    rows = [*cpu_ms.items(), ("all parts", median(sum(cost.cpu_ms.values()) for cost in costs))]
    report.say(table(["CPU by part", "ms a job"], rows))
    calls, used = medians([cost.redis_calls for cost in costs]), medians([cost.redis_us for cost in costs])
    dearest = sorted(used, key=lambda name: -used[name])[:SHOWN_COMMANDS]
    report.say(
        table(
            ["Redis' own count", "calls a job", "us a job"],
            [[name, calls[name], used[name]] for name in dearest],
        )
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="jobs of a batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=default_layout().processes)
    parser.add_argument("--against", type=Path, help="the folder of another checkout of this project")
    return parser.parse_args()


if __name__ == "__main__":
    main()
