"""Requests that wait for a thread: their senders take turns, so that nobody waits behind another's crowd."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Request = TypeVar("Request")


class SenderQueues(Generic[Request]):
    """A line for each sender; each may have a bounded share of the requests that run."""

    def __init__(self, places: int, places_per_sender: int) -> None:
        """Let `places` requests run at a time, and `places_per_sender` of one sender."""
        self._places = places
        self._places_per_sender = places_per_sender
        self._lines: dict[Hashable, deque[Request]] = {}  # the sender whose turn is next comes first
        self._running: Counter[Hashable] = Counter()

    def add(self, sender: Hashable, request: Request) -> None:
        """Put a request at the end of its sender's line."""
        self._lines.setdefault(sender, deque()).append(request)

    def waiting(self, sender: Hashable) -> int:
        """Return how many requests of a sender wait."""
        return len(self._lines.get(sender, ()))

    def leave(self, sender: Hashable, request: Request) -> None:
        """Take a request out of its sender's line."""
        line = self._lines[sender]
        line.remove(request)
        if not line:
            del self._lines[sender]

    def start(self) -> Iterator[Request]:
        """Yield the requests that may run now, one of each sender after another."""
        while self._running.total() < self._places and (sender := self._next()) is not None:
            line = self._lines.pop(sender)
            self._running[sender] += 1
            request = line.popleft()
            if line:
                self._lines[sender] = line  # behind all others
            yield request

    def finish(self, sender: Hashable) -> None:
        """Free the place of one of the sender's requests."""
        self._running[sender] -= 1
        if not self._running[sender]:
            del self._running[sender]

    def _next(self) -> Hashable | None:
        may_run = (sender for sender in self._lines if self._running[sender] < self._places_per_sender)
        return next(may_run, None)
