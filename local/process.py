"""One program of the stack: what to run, and the process that runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LOG_LIMIT_BYTES = 5_000_000  # a longer log is moved to NAME.log.1 when its program starts
TAIL_LINES = 20
TAIL_BYTES = 20_000
SENTENCE = "stylequeue: "  # how our programs begin the sentence with which they end
POLL_SECONDS = 0.05
TETHER = Path(__file__).with_name("tether.py")


class Role(StrEnum):
    """What a part is for; parts of one role are stopped together."""

    REDIS = "redis"  # records and queue
    S3 = "s3"  # images
    WORKER = "worker"  # stylizes; the only role that is started again when it dies
    API = "api"  # answers HTTP


@dataclass(frozen=True)
class Part:
    """What to run and how to treat it."""

    role: Role
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_seconds: float = 10  # from SIGTERM to SIGKILL
    orphan_signal: signal.Signals = signal.SIGTERM  # what it gets when the stack's own process is killed


class Process:
    """A running part, in a session of its own: Ctrl-C in the terminal reaches the stack and not its parts."""

    def __init__(self, part: Part, folder: Path, log: Path, inherited: tuple[int, ...] = ()) -> None:
        self.part = part
        self.log = log
        self.started_at = time.monotonic()
        _rotate(log)
        with log.open("ab") as stream:
            self._log_start = stream.tell()
            self._popen = subprocess.Popen(
                _tethered(part),
                cwd=folder,
                env=dict(part.environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=inherited,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._popen.poll()

    @property
    def lived_seconds(self) -> float:
        return time.monotonic() - self.started_at

    def log_tail(self) -> str:
        """The last lines that this process has written, or that were written since it started."""
        with self.log.open("rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(self._log_start, end - TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def last_sentence(self) -> str | None:
        """Return why one of our programs ended by itself, as it says on its last line of that kind."""
        said = [line for line in self.log_tail().splitlines() if line.startswith(SENTENCE)]
        return said[-1].removeprefix(SENTENCE) if said else None

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self._popen.terminate()

    def wait_or_kill(self, stop_at: float, hurry: Callable[[], bool]) -> None:
        """Waits until the monotonic time `stop_at` or until `hurry()`, then kills what is left."""
        while self.exit_code is None and time.monotonic() < stop_at and not hurry():
            time.sleep(POLL_SECONDS)
        self.kill_session()
        self._popen.wait()

    def kill_session(self) -> None:
        """Kills the process and the children that it has left."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it the second way
            os.killpg(self._popen.pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _tethered(part: Part) -> list[str]:
    if sys.platform != "linux":
        return list(part.command)
    tether = [sys.executable, "-IS", str(TETHER), str(os.getpid()), str(int(part.orphan_signal))]
    return [*tether, *part.command]


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))
