"""Ports of 127.0.0.1 for the servers of tests."""

from __future__ import annotations

import fcntl
import itertools
import random
import socket
import tempfile
from pathlib import Path

PORTS = range(20_000, 32_000)  # the kernel gives higher ones to connections, also while a server is down
_ORDER = itertools.cycle(random.Random().sample(PORTS, len(PORTS)))
# A lock on its byte N gives port N. It is open as long as the process.
_GIVEN = Path(tempfile.gettempdir(), "stylequeue-test-ports").open("ab")  # noqa: SIM115


def free_port() -> int:
    """Return a port that no other process of any run of the tests gets as long as this one lives."""
    for port in itertools.islice(_ORDER, len(PORTS)):
        try:
            fcntl.lockf(_GIVEN, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise AssertionError("All ports for tests are in use")
