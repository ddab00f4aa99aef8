"""`python -m worker.telemetry.health`: a container's health check. It fails if no worker of the host lives.

It reads the heartbeats from Redis, which end when a process hangs. It succeeds if Redis does not respond,
because that is no reason to end a worker.
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
    """Return a sentence if no worker of the host sent a heartbeat within `worker_seen_seconds`."""
    seconds = settings.worker_seen_seconds
    try:
        alive = WorkerRegistry(connect(settings.redis_url)).alive(seconds)
    except QueueUnavailable as error:
        click.echo(f"{error.detail}; the state of the workers is unknown", err=True)
        return None
    if any(worker.host == host for worker in alive):
        return None
    return f"No worker of {host} was seen in the last {seconds:g} s"


if __name__ == "__main__":
    sys.exit(reason_to_worry(settings_or_exit(), socket.gethostname()))
