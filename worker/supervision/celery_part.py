"""A Celery worker as a supervised part."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping

from worker.supervision.process import Part, Role

WORKER_APP = "worker.app"  # the module of the Celery app


def worker_part(
    name: str,
    environment: Mapping[str, str],
    app: str = WORKER_APP,
    *,
    stop_seconds: float,
    orphan_signal: signal.Signals = signal.SIGKILL,
    second_signal: signal.Signals = signal.SIGKILL,
) -> Part:
    """Return the part that runs the Celery app of the module `app`; `name` is in its hostname and its log."""
    command = (
        *(sys.executable, "-m", "celery", "-A", app, "worker"),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
        *("--hostname", f"stylequeue-{name}@%h"),
        *("--loglevel", "WARNING"),
    )
    return Part(Role.WORKER, name, command, environment, stop_seconds, orphan_signal, second_signal)
