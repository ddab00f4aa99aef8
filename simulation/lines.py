"""The waiting jobs, in the order in which the service would start them."""

from __future__ import annotations

import heapq
from collections import deque

from shared.wire.descriptors import Lane


class LaneLine:
    """One lane, ordered as in shared/store/lua/lib/queue, with jobs that all have the same cost."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lines: dict[str, deque[float]] = {}  # by owner, those with a turn: arrival times of their jobs
        self._turns: list[tuple[float, str]] = []  # a heap: the start tag of each owner's next job
        self._now = 0.0  # the start tag of the job that started last

    def add(self, owner: str, arrived: float) -> None:
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
            heapq.heappush(self._turns, (self._now, owner))
        line.append(arrived)
        self.waiting += 1

    def take(self) -> float:
        """Take the next job and return its time of arrival. The lane must not be empty."""
        start, owner = self._turns[0]
        while not self._lines[owner]:
            del self._lines[owner]
            heapq.heappop(self._turns)
            start, owner = self._turns[0]
        heapq.heapreplace(self._turns, (start + 1, owner))
        self._now = start
        self.waiting -= 1
        return self._lines[owner].popleft()


class Lines:
    """All lanes."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneLine] = {lane: LaneLine() for lane in Lane}
        self.waiting = 0  # jobs that no worker holds

    def add(self, lane: str, owner: str, arrived: float) -> None:
        self.lanes[lane].add(owner, arrived)
        self.waiting += 1

    def take(self, lane: str) -> float:
        """Take the lane's next job and return its time of arrival."""
        self.waiting -= 1
        return self.lanes[lane].take()
