"""A program of the stack that a test kills, freezes and starts again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.servers import wait_until
from worker.supervision.process import Part, Process

STEP_SECONDS = 0.02


class Program:
    """Start it in a thread that lives as long as it shall: the kernel ends it with that thread."""

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
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._process.exit_code

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    @property
    def log(self) -> str:
        """All that it has written, also before it was started again."""
        return self._log.read_text("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        """To the program itself, and not to its children."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def die(self) -> None:
        """As by the kernel's OOM killer: the program itself is gone, its children are left to see to that."""
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.alive, what=f"the death of {self.name}")

    def kill(self) -> None:
        """Ends it and its children at once."""
        self._process.kill()

    def stop(self, seconds: float) -> int:
        """Asks it to end, waits so long and then kills it; answers its exit code."""
        self._process.ask_to_stop()
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            time.sleep(STEP_SECONDS)
        self.kill()
        assert self.exit_code is not None
        return self.exit_code

    def start_again(self) -> None:
        """After its death; what it left of its children goes first, as under a supervisor."""
        self.kill()
        self.start()
