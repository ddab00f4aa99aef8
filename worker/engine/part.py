"""An engine as a supervised part, and the socket at which hands find it."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from worker.images.heap import HUGE_PAGES
from worker.supervision.process import Part, Role
from worker.supervision.pulse import Pulse

ENGINE = "worker.engine.command"  # the module of the program
STOP_SECONDS = 10  # after the last hand has gone
BACKLOG = 512  # hands that wait while an engine loads its model


class EngineHome:
    """A private folder with the sockets of engines.

    The supervisor opens the sockets and keeps them, so that hands can wait there for an engine that is being
    started again.
    """

    def __init__(self) -> None:
        self._ends = ExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="stylequeue-engine-", dir="/tmp"))
        self._ends.callback(shutil.rmtree, self._folder, ignore_errors=True)

    def close(self) -> None:
        self._ends.close()

    def part(self, number: int, environment: Mapping[str, str], module: str = ENGINE) -> Part:
        """Return the part that runs the engine with this number."""
        listener = self._ends.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(self.socket_path(number)))
        listener.listen(BACKLOG)
        pulse = self._ends.enter_context(Pulse())
        return Part(
            Role.ENGINE,
            f"engine-{number}",
            (sys.executable, "-m", module, str(listener.fileno()), str(pulse.file)),
            {**HUGE_PAGES, **environment},
            stop_seconds=STOP_SECONDS,
            orphan_signal=signal.SIGTERM,
            inherited=(listener.fileno(), pulse.file),
            pulse=pulse,
        )

    def socket_path(self, number: int) -> Path:
        return self._folder / f"engine-{number}"
