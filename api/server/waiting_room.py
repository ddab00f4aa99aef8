"""Connections that wait for their client outside the threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from itertools import takewhile
from selectors import BaseSelector
from typing import Generic, Protocol, TypeVar

from api.server.client_socket import ClientSocket


class HasSocket(Hashable, Protocol):
    """A connection: anything that has the socket of a client."""

    sock: ClientSocket


Connection = TypeVar("Connection", bound=HasSocket)


class WaitingRoom(Generic[Connection]):
    """A bounded number of connections that wait for one kind of event, each for the same time."""

    def __init__(self, event: int, seconds: float, places: int, ready: Callable[[Connection], None]) -> None:
        """Call `ready` with a connection whenever its event comes."""
        self._event = event
        self._seconds = seconds
        self._places = places
        self._ready = ready
        self._deadlines: dict[Connection, float] = {}  # the first to end comes first

    def enter(self, connection: Connection, poller: BaseSelector) -> Connection | None:
        """Wait for the event; return the connection that had to leave for this one, if the room was full."""
        self._deadlines[connection] = time.monotonic() + self._seconds
        poller.register(connection.sock, self._event, lambda _: self._ready(connection))
        if len(self._deadlines) <= self._places:
            return None
        oldest = next(iter(self._deadlines))
        self.leave(oldest, poller)
        return oldest

    def leave(self, connection: Connection, poller: BaseSelector) -> None:
        """Stop waiting. A connection that is not here is left alone."""
        if self._deadlines.pop(connection, None) is not None:
            poller.unregister(connection.sock)

    def expire(self, poller: BaseSelector) -> list[Connection]:
        """Take out and return the connections whose time is up."""
        now = time.monotonic()
        late = [
            connection for connection, _ in takewhile(lambda held: held[1] <= now, self._deadlines.items())
        ]
        for connection in late:
            self.leave(connection, poller)
        return late

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._deadlines
