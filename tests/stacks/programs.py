"""A program of the stack that a test kills, freezes and starts again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.stacks.servers import wait_until
from worker.supervision.process import Part, Process

STEP_SECONDS = 0.02


class Program:
    """A running program. Start it in a thread that outlives it: the kernel ends it with that thread."""

    def __init__(self, part: Part, folder: Path, logs: Path) -> None:
        self.name = part.name
        self._part = part
        self._folder = folder
        self._log = logs / f"{part.name}.log"
        self.starts = 0
        self.start()

    def start(self) -> None:
        self._process = Process(self._part, self._folder, self._log)
        self.starts += 1

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return None while it runs; minus the signal's number if a signal ended it."""
        return self._process.exit_code

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    @property
    def log(self) -> str:
        """Return all that it has written, also before a restart."""
        return self._log.read_text("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        """Send the signal to the program itself, and not to its children."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def die(self) -> None:
        """Kill the program as the kernel's OOM killer does; its children must notice by themselves."""
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.alive, what=f"the death of {self.name}")

    def kill(self) -> None:
        """End it and its children at once."""
        self._process.kill()

    def stop(self, seconds: float) -> int:
        """Ask it to end, kill it after so many seconds, and return its exit code."""
        self._process.ask_to_stop()
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            time.sleep(STEP_SECONDS)
        self.kill()
        assert self.exit_code is not None
        return self.exit_code

    def start_again(self) -> None:
        """Start it again after its death; its children are killed first, as under a supervisor."""
        self.kill()
        self.start()
