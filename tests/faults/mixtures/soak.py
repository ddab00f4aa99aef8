"""First a hostile owner beside a polite one, then all faults at random, one after another, while jobs go on.

python -m tests.faults.mixtures.soak --minutes 10 [--seed N]

The owners have a quarter of the time, in a service of their own. In each half minute the polite one's median
times, for a job and for a poll, must stay within three times of those alone. Memory of API and Redis must
return to within 20 % of the start: after a warm-up of both owners, when all jobs were deleted. In the
end all must be right.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.mischief import FAULTS
from tests.faults.mixtures.neighbours import live_side_by_side
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.stacks.fault_stack import FaultStack, running_stack
from tests.stacks.programs import Program

WORKERS = 2
JOBS_PER_BATCH = 40
MOST_WAITING = 200  # jobs; then the client waits
MOST_PAUSE_SECONDS = 3.0
SETTLE_SECONDS = 300
SHARE_OF_NEIGHBOURS = 0.25  # of the time
ALONE_SECONDS = 15.0
GOOD, DAMAGED, DEADLY = "good", "damaged", "deadly"


class Traffic(threading.Thread):
    """Sends batches until told to stop, whatever happens to the service."""

    def __init__(self, crowd: Crowd, chance: random.Random) -> None:
        super().__init__(name="traffic", daemon=True)
        self.stopping = threading.Event()
        self.crowd = crowd
        self._chance = chance
        self._good = [
            crowd.line(Order(milliseconds=40, variant=kind).picture(), tags=[GOOD], max_attempts=20)
            for kind in range(10)
        ]
        self._damaged = crowd.line(Order().picture()[:60], tags=[DAMAGED], max_attempts=20)
        self._deadly = crowd.line(Order(ModelAction.KILL).picture(), tags=[DEADLY], max_attempts=2)

    def run(self) -> None:
        while not self.stopping.is_set():
            if not self._many_wait():
                self.crowd.send([self._line() for _ in range(JOBS_PER_BATCH)])
            self.stopping.wait(self._chance.uniform(0, 0.5))

    def _line(self) -> dict[str, object]:
        odds = self._chance.random()
        return (
            self._deadly
            if odds < 0.002
            else self._damaged
            if odds < 0.02
            else self._chance.choice(self._good)
        )

    def _many_wait(self) -> bool:
        try:
            return len(self.crowd.accepted) - self.crowd.ended() > MOST_WAITING
        except Exception:  # Redis is down just now, which a soak wants
            return True


def soak(stack: FaultStack, seconds: float, chance: random.Random) -> None:
    traffic = Traffic(Crowd(stack), random.Random(chance.random()))
    stack.start_workers(WORKERS)
    stack.until_workers_are_there()
    traffic.start()
    end, done = time.monotonic() + seconds, Counter[str]()
    while time.monotonic() < end:
        stack.let_pass(chance.uniform(0, MOST_PAUSE_SECONDS))
        name = chance.choice(sorted(FAULTS))
        done[name] += 1
        say(f"{end - time.monotonic():6.0f} s left, {len(traffic.crowd.accepted):6} jobs accepted: {name}")
        FAULTS[name](stack, chance)
    traffic.stopping.set()
    stack.until(lambda: not traffic.is_alive(), what="the last 202")
    report(Verdict(traffic.crowd, SETTLE_SECONDS), done)
    say_sizes([stack.api, *stack.workers])


def report(verdict: Verdict, done: Counter[str]) -> None:
    """Print the ends of all jobs.

    Raises:
        AssertionError: a job's end does not fit its picture.
    """
    ends = Counter((job["tags"][0], job["status"]) for job in verdict.jobs.values())
    say(f"{done.total()} faults: " + ", ".join(f"{name} x {number}" for name, number in done.most_common()))
    took = verdict.history.took
    say(f"accounts and history agree: {dict(took)}; {verdict.device_seconds:.2f} s on the device")
    say(f"{verdict.starts()} starts for {len(verdict.jobs)} jobs: {dict(ends)}")
    wanted = {(GOOD, JobStatus.SUCCEEDED), (DAMAGED, JobStatus.FAILED), (DEADLY, JobStatus.FAILED)}
    assert set(ends) <= wanted, ends


def say_sizes(programs: Iterable[Program]) -> None:
    """Print sizes in which a leak would show."""
    for program in programs:
        process = psutil.Process(program.pid)
        size = process.memory_info().rss / 1e6
        say(
            f"{program.name}: {size:.0f} MB, {process.num_fds()} descriptors, {process.num_threads()} threads"
        )


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is a program


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    chance, seconds = random.Random(arguments.seed), arguments.minutes * 60
    both_seconds = SHARE_OF_NEIGHBOURS * seconds
    with TemporaryDirectory(prefix="soak-") as folder:
        with running_stack(Path(folder) / "neighbours", chance) as stack:
            live_side_by_side(stack, chance, alone_seconds=ALONE_SECONDS, both_seconds=both_seconds, say=say)
        with running_stack(Path(folder) / "stack", chance) as stack:
            soak(stack, seconds - both_seconds, chance)
    say("every promise was kept")


if __name__ == "__main__":
    main()
