"""A deadline for one whole HTTP exchange, and the connections that obey it.

The connections of these pools give the socket that they will read to the deadline of the calling thread.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import Self

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.errors import StyleQueueError


class Deadline:
    """Cuts the connection of one exchange when its time is up.

    A socket's time-out is not enough: it starts again with each byte, so a server that sends a byte now and
    then, even in the headers, could hold a worker's thread for ever.
    """

    def __init__(self, seconds: float, late: StyleQueueError) -> None:
        self._late = late
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        self._token = _deadline_of_this_exchange.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _deadline_of_this_exchange.reset(self._token)
        with self._lock:
            self._socket = None

    def remaining_seconds(self) -> float:
        return max(self._ends_at - time.monotonic(), 0.001)

    def check(self) -> None:
        """Raise `late` if the time is up."""
        if time.monotonic() >= self._ends_at:
            raise self._late

    def watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._socket = connection
        if time.monotonic() >= self._ends_at:
            self._cut()

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._socket is not None:
                # Not SSLSocket's own shutdown, which is not thread-safe.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_deadline_of_this_exchange: ContextVar[Deadline] = ContextVar("deadline_of_this_exchange")


class _WatchedHttp(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 departs from http.client
        _deadline_of_this_exchange.get().watch(self.sock)
        return super().getresponse()


class _WatchedHttps(_WatchedHttp, HTTPSConnection):
    pass


class WatchedHttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class WatchedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps
