"""Sends and receives exact numbers of bytes, and file descriptors, between processes of one host."""

from __future__ import annotations

import os
import socket


def blocking(*sockets: socket.socket) -> None:
    """Make sockets wait, as the functions below expect.

    Kombu sets a default timeout for all new sockets while it closes its connections.
    """
    for one in sockets:
        one.setblocking(True)


def send(file: int, *parts: bytes | memoryview) -> None:
    """Send all parts.

    Raises:
        ConnectionError: the other side is gone.
    """
    for part in parts:
        rest = memoryview(part).cast("B")
        while rest:
            rest = rest[os.write(file, rest) :]


def send_with_files(
    channel: socket.socket, files: list[int], first: bytes, *parts: bytes | memoryview
) -> None:
    """Send the descriptors together with `first`, then all parts; raise the errors of `send`."""
    sent = socket.send_fds(channel, [first], files) if files else 0
    send(channel.fileno(), first[sent:], *parts)


def receive(file: int, size: int) -> bytearray:
    """Receive exactly `size` bytes.

    Raises:
        EOFError, ConnectionError: the other side is gone.
    """
    buffer = bytearray(size)
    receive_into(file, memoryview(buffer))
    return buffer


def receive_with_files(channel: socket.socket, size: int, most_files: int) -> tuple[bytes, list[int]]:
    """Receive exactly `size` bytes and the descriptors that came with them, which the caller closes.

    Raises:
        EOFError, ConnectionError: the other side is gone.
    """
    data, files, _, _ = socket.recv_fds(channel, size, most_files)
    if not data:
        raise EOFError
    try:
        return data + receive(channel.fileno(), size - len(data)), files
    except (EOFError, ConnectionError):
        close(files)
        raise


def receive_into(file: int, buffer: memoryview) -> None:
    while buffer:
        count = os.readv(file, [buffer])
        if not count:
            raise EOFError
        buffer = buffer[count:]


def close(files: list[int]) -> None:
    for file in files:
        os.close(file)
