"""A client's socket whose pace is limited, so that a slow client cannot occupy a thread."""

from __future__ import annotations

import errno
import socket
import time
from typing import Self

import structlog

STALL_SECONDS = 10  # without a byte; accepted sockets inherit it as SO_RCVTIMEO and SO_SNDTIMEO
GRACE_SECONDS = 10  # of waiting for a client before its rate is checked
LEAST_BYTES_PER_SECOND = 16_384
MOST_UNSENT_BYTES = 262_144


class ClientSocket(socket.socket):
    """A blocking socket that cuts a slow client, and buffers the last unread bytes of a response.

    `sendall` returns while up to MOST_UNSENT_BYTES are unsent, so the thread is free before the client has
    read its response; the worker's loop sends the rest with `flush`. Reads and writes raise
    ConnectionResetError if the client stalls for STALL_SECONDS, or if it is slower than
    LEAST_BYTES_PER_SECOND after GRACE_SECONDS. Only time spent waiting for the client counts.
    """

    @classmethod
    def adopt(cls, accepted: socket.socket, client: str) -> Self:
        """Take over an accepted connection; `client` is its address or network, for the log."""
        adopted = cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        adopted.client = client
        adopted.unsent = bytearray()
        adopted.begin_request()
        return adopted

    client: str
    unsent: bytearray
    _waited: float
    _moved: int

    def begin_request(self) -> None:
        """Start to measure the client's rate."""
        self._waited, self._moved = 0.0, 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive bytes; a blocking call limits the client's pace."""
        if self.gettimeout() is not None:
            return super().recv(size, flags)
        started = time.monotonic()
        try:
            piece = super().recv(size, flags)
        except BlockingIOError:
            raise self._cut("sent nothing for too long") from None
        self._keep_pace(started, len(piece))
        return piece

    def sendall(self, data: bytes, _flags: int = 0, /) -> None:  # type: ignore[override]  # Gunicorn sends bytes
        """Send the data; keep up to MOST_UNSENT_BYTES that the client does not take at once."""
        if self.unsent:
            self.unsent += data
            data, self.unsent = bytes(self.unsent), bytearray()
        rest = memoryview(data)
        rest = rest[self._send_now(rest) :]
        while len(rest) > MOST_UNSENT_BYTES:
            rest = rest[self._send_patiently(rest) :]
        self.unsent += rest

    def send(self, data: bytes, _flags: int = 0, /) -> int:  # type: ignore[override]  # Gunicorn sends bytes
        """Send like `sendall`. Gunicorn sends "100 Continue" with it."""
        self.sendall(data)
        return len(data)

    def close(self) -> None:
        """Close the socket and drop unsent bytes."""
        self.unsent.clear()
        super().close()

    def flush(self) -> int:
        """Send what the client takes at once; return the number of bytes."""
        sent = self._send_now(memoryview(bytes(self.unsent)))
        del self.unsent[:sent]
        return sent

    def _send_now(self, data: memoryview) -> int:
        try:
            return super().send(data, socket.MSG_DONTWAIT) if data else 0
        except BlockingIOError:
            return 0

    def _send_patiently(self, data: memoryview) -> int:
        started = time.monotonic()
        try:
            sent = super().send(data)
        except BlockingIOError:
            raise self._cut("read nothing for too long") from None
        self._keep_pace(started, sent)
        return sent

    def _keep_pace(self, started: float, moved: int) -> None:
        self._waited += time.monotonic() - started
        self._moved += moved
        if self._waited > GRACE_SECONDS and self._moved < LEAST_BYTES_PER_SECOND * self._waited:
            raise self._cut("was too slow")

    def _cut(self, reason: str) -> ConnectionResetError:
        log_cut(self.client, reason)
        return ConnectionResetError(errno.ECONNRESET, f"The client {reason}")


def log_cut(client: str, reason: str) -> None:
    """Log the one line about a connection that is cut."""
    structlog.get_logger().info("connection cut", client=client, reason=reason)
