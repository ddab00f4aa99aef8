"""Queues of requests that wait for a thread, one per sender. Senders take turns."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Request = TypeVar("Request")


class SenderQueues(Generic[Request]):
    """A queue for each sender, who may have a bounded share of the running requests."""

    def __init__(self, most: int, most_per_sender: int, size: Callable[[Request], int]) -> None:
        """Let `most` requests run at a time, and `most_per_sender` of one sender; `size` is in bytes."""
        self._most = most
        self._size = size
        self._waiting_bytes: Counter[Hashable] = Counter()
        self._most_per_sender = most_per_sender
        self._queues: dict[Hashable, deque[Request]] = {}  # the next sender comes first
        self._running: Counter[Hashable] = Counter()

    def add(self, sender: Hashable, request: Request) -> None:
        """Put a request at the end of its sender's queue."""
        self._queues.setdefault(sender, deque()).append(request)
        self._waiting_bytes[sender] += self._size(request)

    def waiting_bytes(self, sender: Hashable) -> int:
        """Return the size of a sender's waiting requests."""
        return self._waiting_bytes[sender]

    def leave(self, sender: Hashable, request: Request) -> None:
        """Take a request out of its sender's queue."""
        queue = self._queues[sender]
        queue.remove(request)
        self._count_out(sender, request)
        if not queue:
            del self._queues[sender]

    def start(self) -> Iterator[Request]:
        """Yield the requests that may run now, one of each sender after another."""
        while self._running.total() < self._most and (sender := self._next()) is not None:
            queue = self._queues.pop(sender)
            self._running[sender] += 1
            request = queue.popleft()
            self._count_out(sender, request)
            if queue:
                self._queues[sender] = queue  # behind all others
            yield request

    def finish(self, sender: Hashable) -> None:
        """Count one running request of the sender less."""
        self._running[sender] -= 1
        if not self._running[sender]:
            del self._running[sender]

    def _count_out(self, sender: Hashable, request: Request) -> None:
        self._waiting_bytes[sender] -= self._size(request)
        if not self._waiting_bytes[sender]:
            del self._waiting_bytes[sender]

    def _next(self) -> Hashable | None:
        may_run = (sender for sender in self._queues if self._running[sender] < self._most_per_sender)
        return next(may_run, None)
