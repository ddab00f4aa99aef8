"""A child process that writes one line for each line on its input."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).resolve().parents[2]
READY = "ready"  # the first line of every child, when it is loaded and warm
STOP_SECONDS = 10
TAIL_BYTES = 2000


class ChildFailed(Exception):
    """The program ended before its response; carries the end of its standard error."""


class Child:
    """`python -m module arguments...`; it ends when its input ends, so it never outlives its parent.

    It has a session of its own: Ctrl-C reaches the benchmark, which then ends the child.
    """

    def __init__(
        self,
        program: str | Path,
        *arguments: str,
        environment: dict[str, str] | None = None,
        project: Path = PROJECT,
    ) -> None:
        """`program` is a module of the project, or a file that runs in the project's folder."""
        self._program = program
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [sys.executable, "-P" if isinstance(program, Path) else "-m", str(program), *arguments],
            cwd=project,
            env={**(os.environ if environment is None else environment), "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=error is not None)

    def wait_until_ready(self) -> Self:
        """Wait until the child has written READY. Several children that were started before load at the same
        time.
        """
        line = self.hear()
        if line != READY:
            raise ChildFailed(f"{self._program} began with {line!r}")
        return self

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Return the next line without its end; raise ChildFailed if none will come."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self._program} ended: {self._last_words()}")
        return line.rstrip("\n")

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()

    def close(self, *, at_once: bool = False) -> None:
        if at_once:
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TAIL_BYTES))
        return self._errors.read().decode(errors="replace").strip()
