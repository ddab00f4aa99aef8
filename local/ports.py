"""Ports of 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from worker.supervision.errors import StackError

LOOPBACK = "127.0.0.1"
PORT_TRIES = 5


def free_ports() -> Iterator[int]:
    """Yield a few free ports; take the next one if another program was faster."""
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        yield port


def require_free(port: int) -> None:
    """Raise StackError if this process cannot listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do, so that TIME_WAIT is no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StackError(f"Port {port} cannot be used: {reason}. Choose another with --port") from None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
