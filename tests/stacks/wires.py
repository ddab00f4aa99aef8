"""Clients on bare sockets, which send and read as they like."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

SECONDS = 20
OTHER_ADDRESS = "127.0.0.2"


@contextmanager
def connections(url: str, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as open_ones:
        yield [open_ones.enter_context(connected(url)) for _ in range(number)]


def connected(url: str, address: str = "127.0.0.1") -> socket.socket:
    """Connect from this address, and take in little of what the server sends."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(SECONDS)
    wire.bind((address, 0))
    wire.connect((urlsplit(url).hostname or "", urlsplit(url).port or 0))
    return wire


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")).encode()


def read_until_closed(wire: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while piece := wire.recv(65536):
            answer += piece
    return answer


def first_line(wire: socket.socket) -> str:
    """Return the status line of a response; nothing if the connection was closed."""
    with suppress(ConnectionError):
        return wire.recv(1000).partition(b"\r\n")[0].decode()
    return ""
