"""A port that another program has."""

from __future__ import annotations

import socket

import pytest

from local.ports import require_free
from worker.supervision.errors import StackError


def test_a_taken_port_is_reported_in_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = rf"^Port {port} cannot be used: address already in use\. Choose another with --port$"
        with pytest.raises(StackError, match=message):
            require_free(port)
