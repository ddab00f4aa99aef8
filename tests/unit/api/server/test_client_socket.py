"""The socket of a connection whose client does not read."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from api.server.client_socket import MOST_UNSENT_BYTES, ClientSocket

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def full() -> Iterator[ClientSocket]:
    """A socket whose client has not read all that the system takes in for it."""
    accepted, client = socket.socketpair()
    with client, ClientSocket.adopt(accepted, "a client") as full:
        while not full.unsent:
            full.sendall(b"x" * (MOST_UNSENT_BYTES // 2))
        full.unsent.clear()
        yield full


def test_responses_of_gunicorn_itself_wait_for_no_client(full: ClientSocket) -> None:
    assert full.send(CONTINUE) == len(CONTINUE)
    assert full.unsent == CONTINUE


def test_a_closed_socket_has_nothing_to_send(full: ClientSocket) -> None:
    full.sendall(CONTINUE)
    full.close()
    assert not full.unsent
