"""Connections that wait for their client outside the threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from itertools import takewhile
from selectors import BaseSelector
from typing import Generic, Protocol, TypeVar

from api.server.client_socket import ClientSocket


class HasSocket(Hashable, Protocol):
    """A connection with a client's socket and a sender."""

    sock: ClientSocket
    sender: Hashable


Connection = TypeVar("Connection", bound=HasSocket)

# One sender may have half of a room, as a proxy is one sender until the keys behind it are known.
SENDERS_PART = 2


class WaitingRoom(Generic[Connection]):
    """A bounded number of connections that wait for one kind of event, each for the same time.

    If a sender has more than its share, its own oldest connection leaves. If the room is full, the oldest
    connection of the sender who has most leaves, so many senders cannot crowd out one who has few.
    """

    def __init__(self, event: int, seconds: float, most: int, ready: Callable[[Connection], None]) -> None:
        """Call `ready` with a connection whenever its event comes."""
        self._event = event
        self._seconds = seconds
        self._most = most
        self._most_of_one = max(most // SENDERS_PART, 1)
        self._ready = ready
        self._deadlines: dict[Connection, tuple[float, Hashable]] = {}  # the first to end comes first
        self._by_sender: dict[Hashable, dict[Connection, None]] = {}  # the oldest comes first

    def enter(self, connection: Connection, poller: BaseSelector) -> Connection | None:
        """Wait for the event; return the connection that had to leave if there was no room."""
        sender = connection.sender
        self._deadlines[connection] = time.monotonic() + self._seconds, sender
        own = self._by_sender.setdefault(sender, {})
        own[connection] = None
        poller.register(connection.sock, self._event, lambda _: self._ready(connection))
        if len(own) <= self._most_of_one:
            if len(self._deadlines) <= self._most:
                return None
            own = max(self._by_sender.values(), key=len)
        oldest = next(iter(own))
        self.leave(oldest, poller)
        return oldest

    def leave(self, connection: Connection, poller: BaseSelector) -> None:
        """Stop waiting. A connection that does not wait here is ignored."""
        if connection not in self:
            return
        _, sender = self._deadlines.pop(connection)
        own = self._by_sender[sender]
        del own[connection]
        if not own:
            del self._by_sender[sender]
        poller.unregister(connection.sock)

    def expire(self, poller: BaseSelector) -> list[Connection]:
        """Remove and return the connections whose time is up."""
        now = time.monotonic()
        late = [
            connection for connection, _ in takewhile(lambda held: held[1][0] <= now, self._deadlines.items())
        ]
        for connection in late:
            self.leave(connection, poller)
        return late

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._deadlines
