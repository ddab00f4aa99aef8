"""A polite owner beside a hostile one: waiting times, memory of API and Redis, and everything accepted.

The hostile owner pauses between its attacks (MOST_PAUSE_SECONDS). Without pauses it keeps an API process busy
for two thirds of the time, and the polls of everybody wait for that one Python process: docs/8-security.md.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import httpx
import psutil

from local.api_server import api_url
from local.children import PROJECT
from shared.ids import job_id_of_line
from shared.store.api_keys import KeyStore
from shared.wire.operations.api_key import Scope
from shared.wire.records import FINAL
from tests.faults.mixtures.attacks import line
from tests.faults.mixtures.checker import Verdict, everything_has_ended
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.hostile_owner import KEY_VARIABLE
from tests.stacks.fault_stack import FaultStack
from tests.stacks.ports import free_port
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until
from worker.supervision.process import Part, Role

WORKERS = 2
JOBS_PER_WORKER = (
    2  # a process paints one picture at a time, so a newcomer waits for those it has taken before
)
POLITE_MILLISECONDS = 300
POLL_SECONDS = 0.02
WARM_SECONDS = 8.0
WINDOW_SECONDS = 30.0
MOST_TIMES_ALONE = 3.0
MOST_GROWTH = 1.2
SETTLE_SECONDS = 120
STOP_SECONDS = 90  # for the hostile owner's last requests
UPLOAD_RETENTION_SECONDS = 5
PICTURE_IS_REMOVED = httpx.codes.SERVICE_UNAVAILABLE  # as retention is short here and pictures come again

Say = Callable[[str], None]


@dataclass
class Times:
    """Seconds that the polite owner waited."""

    jobs: list[float] = field(default_factory=list)  # from the submission until the client saw its end
    polls: list[float] = field(default_factory=list)
    repeats: int = 0  # submissions repeated because their picture was being removed

    def __str__(self) -> str:
        return (
            f"job {1000 * median(self.jobs):.0f} ms (of {len(self.jobs)}), "
            f"poll {1000 * median(self.polls):.1f} ms (of {len(self.polls)}), "
            f"{self.repeats} repeats"
        )

    def assert_close_to(self, alone: Times) -> None:
        for kind in ("jobs", "polls"):
            times = median(getattr(self, kind)) / median(getattr(alone, kind))
            assert times <= MOST_TIMES_ALONE, (
                f"{kind} took {times:.1f} times as long as alone: {self}; {alone}"
            )


@dataclass(frozen=True)
class Memory:
    """Bytes while nothing is to be done and everybody has deleted what was theirs."""

    api: int
    redis: int

    @classmethod
    def of(cls, stack: FaultStack) -> Memory:
        processes = psutil.Process(stack.api.pid).children()
        return cls(
            sum(process.memory_info().rss for process in processes),
            int(stack.connection.info("memory")["used_memory"]),
        )

    def __str__(self) -> str:
        return f"API {self.api / 1e6:.1f} MB, Redis {self.redis / 1e6:.2f} MB"

    def close_to(self, start: Memory) -> bool:
        return self.api <= MOST_GROWTH * start.api and self.redis <= MOST_GROWTH * start.redis


class CpuUse:
    """The cores used by each program, the hostile owner's own among them, since this was made."""

    def __init__(self, stack: FaultStack, hostile: Program) -> None:
        self._programs = {
            "API": [stack.api],
            "Redis": [stack.redis],
            "S3": [stack.s3],
            "workers": stack.workers,
            "hostile owner": [hostile],
        }
        self._began = time.monotonic()
        self._before = self._seconds()

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        shares = [
            f"{name} {(used - self._before[name]) / seconds:.2f}" for name, used in self._seconds().items()
        ]
        return "cores in use: " + ", ".join(shares)

    def _seconds(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, programs)) for name, programs in self._programs.items()}


def cpu_seconds(program: Program) -> float:
    """Return the CPU time of a program and its children."""
    parent = psutil.Process(program.pid)
    times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(time.user + time.system for time in times)


class Neighbours:
    """Two owners of one service; everybody who is asked needs a key."""

    def __init__(self, stack: FaultStack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        self._receiver = f"127.0.0.1:{free_port()}"  # nobody listens there
        direct = self._variables()
        stack.api.kill()
        stack.api = stack.start_api(stack.api_port, **direct)
        stack.until_api_answers()
        stack.start_workers(WORKERS, **direct)
        stack.until_workers_are_there()
        keys = KeyStore(stack.connection)
        admin, polite, self._hostile_key = (
            keys.create(owner, scope)[0]
            for owner, scope in (("operator", Scope.ADMIN), ("polite", Scope.USER), ("hostile", Scope.USER))
        )
        stack.client.headers["Authorization"] = f"Bearer {admin}"
        self._polite = httpx.Client(
            base_url=api_url(stack.api_port),
            headers={"Authorization": f"Bearer {polite}"},
            timeout=SETTLE_SECONDS,
            trust_env=False,
        )
        self._hostile_starts = 0
        self._jobs: list[str] = []  # of the polite owner
        self._batches: dict[str, int] = {}  # of the hostile owner; how many jobs each has

    def alone(self, seconds: float) -> Times:
        """Let the polite owner work, one job after another."""
        times, end = Times(), time.monotonic() + seconds
        while time.monotonic() < end:
            self._one_job(times)
        return times

    def both(self, seconds: float, say: Say) -> Sequence[Times]:
        """Let both owners work; return the polite one's times in each part of that time."""
        hostile = self._start_hostile()
        windows = max(1, round(seconds / WINDOW_SECONDS))
        use = CpuUse(self._stack, hostile)
        found = [self.alone(seconds / windows) for _ in range(windows)]
        say(str(use))
        assert hostile.alive, hostile.log
        assert hostile.stop(STOP_SECONDS) == 0, hostile.log
        say("attacks: " + ", ".join(re.findall(r"^done (.*)$", hostile.log, re.MULTILINE)))
        assert "\nfailed" not in hostile.log, hostile.log
        self._batches |= {
            name: int(number) for name, number in re.findall(r"accepted (\S+) (\d+)", hostile.log)
        }
        return found

    def assert_nothing_is_lost(self) -> int:
        """Wait until everything has ended and judge it; return how many jobs there are."""
        crowd = Crowd(self._stack)
        crowd.accepted += self._jobs
        for batch, number in self._batches.items():
            crowd.accepted += [job_id_of_line(batch, line) for line in range(1, number + 1)]
        return len(Verdict(crowd, SETTLE_SECONDS).jobs)

    def delete_all(self) -> None:
        """Delete every job and batch, as their owners may, and wait until nothing is left of them."""
        for path in [
            *(f"jobs/{name}" for name in self._jobs),
            *(f"batches/{name}" for name in self._batches),
        ]:
            answer = self._stack.client.delete(f"/v1/{path}")
            assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
        self._jobs.clear()
        self._batches.clear()
        self._stack.until(lambda: everything_has_ended(self._stack))

    def close(self) -> None:
        self._polite.close()

    def _one_job(self, times: Times) -> None:
        began = time.monotonic()
        wanted = line(POLITE_MILLISECONDS, self._chance.randrange(250))
        while (answer := self._polite.post("/v1/jobs", json=wanted)).status_code == PICTURE_IS_REMOVED:
            assert answer.json()["code"] == "upload-being-removed", answer.text
            times.repeats += 1
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        self._jobs.append(answer.json()["id"])
        while answer.json()["status"] not in FINAL:
            time.sleep(POLL_SECONDS)
            asked = time.monotonic()
            answer = self._polite.get(f"/v1/jobs/{self._jobs[-1]}")
            times.polls.append(time.monotonic() - asked)
            assert answer.status_code == httpx.codes.OK, answer.text
        times.jobs.append(time.monotonic() - began)

    def _start_hostile(self) -> Program:
        command = (sys.executable, "-m", "tests.faults.mixtures.hostile_owner", api_url(self._stack.api_port))
        told = (f"http://{self._receiver}/", str(self._chance.randrange(10**9)))
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), KEY_VARIABLE: self._hostile_key}
        self._hostile_starts += 1  # each has a log of its own
        name = f"hostile-owner-{self._hostile_starts}"
        part = Part(Role.WORKER, name, (*command, *told), environment, orphan_signal=signal.SIGKILL)
        program = Program(part, self._stack.data.root, self._stack.data.logs)
        self._stack.until(lambda: "started" in program.log, what="the hostile owner's start")
        return program

    def _variables(self) -> dict[str, str]:
        """Settings that lead around the proxies of the test, whose process measures, and that forget soon."""
        return {
            "STYLEQUEUE_REDIS_URL": self._stack.settings.redis_url,
            "STYLEQUEUE_S3_ENDPOINT_URL": str(self._stack.settings.s3_endpoint_url),
            "STYLEQUEUE_WORKER_THREADS": str(JOBS_PER_WORKER),
            "STYLEQUEUE_UPLOAD_RETENTION_SECONDS": str(UPLOAD_RETENTION_SECONDS),
            "STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS": self._receiver,
            "STYLEQUEUE_WEBHOOK_RETRY_SECONDS": "0.1",
            "STYLEQUEUE_MAX_WEBHOOK_DELIVERIES": "10",
        }


def live_side_by_side(
    stack: FaultStack, chance: random.Random, *, alone_seconds: float, both_seconds: float, say: Say
) -> None:
    """
    Raises:
        AssertionError: the polite owner waited too long, memory was not given back, or a job was lost.
    """
    neighbours = Neighbours(stack, chance)
    try:
        neighbours.both(WARM_SECONDS, say)
        neighbours.assert_nothing_is_lost()
        neighbours.delete_all()
        start = Memory.of(stack)
        say(f"start (after a warm-up of both owners, with all their jobs deleted): {start}")
        alone = neighbours.alone(alone_seconds)
        say(f"polite owner alone: {alone}")
        found = neighbours.both(both_seconds, say)
        for times in found:
            say(f"polite owner beside the hostile one: {times}")
        say(f"{neighbours.assert_nothing_is_lost()} accepted jobs have ended as they must")
        neighbours.delete_all()
        for times in found:
            times.assert_close_to(alone)
        wait_until(lambda: Memory.of(stack).close_to(start), SETTLE_SECONDS, f"memory near {start}")
        say(f"end (all jobs deleted): {Memory.of(stack)}")
    finally:
        neighbours.close()
