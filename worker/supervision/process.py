"""One supervised program: what to run, and the process that runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from worker.supervision.pulse import Pulse

LOG_LIMIT_BYTES = 5_000_000  # a longer log is moved to NAME.log.1 when its program starts
TAIL_LINES = 20
TAIL_BYTES = 20_000
SENTENCE = "stylequeue: "  # our programs begin the sentence with which they end like this
TETHER = Path(__file__).with_name("tether.py")


class Role(StrEnum):
    """The purpose of a part; parts of one role are stopped together."""

    REDIS = "redis"  # records and queue
    S3 = "s3"  # images
    ENGINE = "engine"  # owns a model; like workers, it is started again when it dies
    WORKER = "worker"  # runs jobs
    API = "api"  # answers HTTP


@dataclass(frozen=True)
class Part:
    """A program, and the way to stop it."""

    role: Role
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_seconds: float = 10  # from SIGTERM to SIGKILL
    orphan_signal: signal.Signals = signal.SIGTERM  # sent when the supervising process is killed
    second_signal: signal.Signals = signal.SIGKILL  # sent at the second request to stop
    inherited: tuple[int, ...] = ()  # descriptors that the program gets
    pulse: Pulse | None = None  # a process whose pulse stops is killed


class Process:
    """A running part, in a session of its own: Ctrl-C in the terminal reaches only the supervisor."""

    def __init__(
        self, part: Part, folder: Path | None, log: Path | None, inherited: tuple[int, ...] = ()
    ) -> None:
        """`folder` is the working directory; without a `log` the part writes where this process writes."""
        self.part = part
        if part.pulse:
            part.pulse.reset()
        self.log = log
        self.started_at = time.monotonic()
        self._log_start = 0
        if log is None:
            self._popen = self._start(folder, None, inherited)
            return
        _rotate(log)
        with log.open("ab") as stream:
            self._log_start = stream.tell()
            self._popen = self._start(folder, stream, inherited)

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
        if self.log is None:
            return ""
        with self.log.open("rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(self._log_start, end - TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def last_sentence(self) -> str | None:
        """Return the reason that one of our programs gave in its log before it ended by itself."""
        said = [line for line in self.log_tail().splitlines() if line.startswith(SENTENCE)]
        return said[-1].removeprefix(SENTENCE) if said else None

    def ask_to_stop(self, *, again: bool = False) -> None:
        if self.exit_code is None:
            self._popen.send_signal(self.part.second_signal if again else signal.SIGTERM)

    def kill(self) -> None:
        self.kill_session()
        self._popen.wait()

    def kill_session(self) -> None:
        """Kill the process and the children that it left."""
        with suppress(ProcessLookupError, PermissionError):  # no process is left (macOS: the second)
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _start(
        self, folder: Path | None, output: BinaryIO | None, inherited: tuple[int, ...]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            _tethered(self.part),
            cwd=folder,
            env=dict(self.part.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(*inherited, *self.part.inherited),
        )


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
