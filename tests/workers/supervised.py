"""Small programs under a supervisor that a test steps by hand."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from worker.supervision.process import Part, Process, Role
from worker.supervision.restarts import Backoff
from worker.supervision.supervisor import Supervisor, Wishes

DEADLINE_SECONDS = 20
QUICK = Backoff(first_seconds=0.05, limit_seconds=0.2, reset_seconds=60)
SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
)
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
CRASH = "import time; time.sleep(0.05); print('out of paint'); raise SystemExit(3)"
PROJECT = Path(__file__).parents[2]


def python(role: Role, name: str, code: str, stop_seconds: float = 5) -> Part:
    command = (sys.executable, "-u", "-c", code)
    return Part(role, name, command, dict(os.environ), stop_seconds=stop_seconds)


def eventually(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def has_written(process: Process, text: str) -> bool:
    return text in process.log_tail()


class Bench:
    """A supervisor that a test steps by hand, what it reported, and every process that it started."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.wishes = Wishes()
        self.supervisor = Supervisor(
            folder, folder, self.wishes, self.lines.append, backoff=QUICK, wake_hint="; call it"
        )

    def check_until(self, condition: Callable[[], bool]) -> bool:
        def step() -> bool:
            self.supervisor.check()
            return condition()

        return eventually(step)
