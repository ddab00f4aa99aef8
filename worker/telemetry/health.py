"""`python -m worker.telemetry.health`: whether this machine's workers live, for a container's health check.

It asks Redis for their heartbeats, which end when a process hangs. A Redis that does not answer is no reason
to end a worker: the check succeeds then.
"""

from __future__ import annotations

import socket
import sys

import click

from shared.errors import QueueUnavailable
from shared.settings import Settings, settings_or_exit
from shared.store.redis.connection import connect
from shared.store.workers import WorkerRegistry


def reason_to_worry(settings: Settings, host: str) -> str | None:
    """A sentence if no worker of the host has shown a sign of life within `worker_seen_seconds`."""
    seconds = settings.worker_seen_seconds
    try:
        alive = WorkerRegistry(connect(settings.redis_url)).alive(seconds)
    except QueueUnavailable as error:
        click.echo(f"{error.detail}; nothing is known about the workers", err=True)
        return None
    if any(worker.host == host for worker in alive):
        return None
    return f"No worker of {host} was seen in the last {seconds:g} s"


if __name__ == "__main__":
    sys.exit(reason_to_worry(settings_or_exit(), socket.gethostname()))
