"""One worker of the stack: a Celery worker that owns a model."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping

from local.process import Part, Role

STOP_SECONDS = 60  # images in hand are finished


def worker_part(number: int, environment: Mapping[str, str], kind: str = "worker") -> Part:
    """`kind` and number name it, in its log too."""
    command = (
        *(sys.executable, "-m", "celery", "-A", "worker.app", "worker"),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
        *("--hostname", f"stylequeue-{kind}-{number}@%h"),
        *("--loglevel", "WARNING"),
    )
    return Part(
        Role.WORKER,
        f"{kind}-{number}",
        command,
        environment,
        stop_seconds=STOP_SECONDS,
        # Redis goes at the same moment: there would be nobody to tell that an image is finished
        orphan_signal=signal.SIGKILL,
    )
