"""What waits, in the order of the service: a free slot takes the job that is next by then."""

from __future__ import annotations

import heapq
from collections import deque

from shared.wire.descriptors import Lane


class LaneLine:
    """One lane, as shared/store/lua/waiting.lua has it, with jobs that all cost the same."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lines: dict[str, deque[float]] = {}  # of owners with a turn: their jobs' times of arrival
        self._turns: list[tuple[float, str]] = []  # a heap: start tags of their next jobs
        self._now = 0.0  # the start tag of the job that started last

    def add(self, owner: str, arrived: float) -> None:
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
            heapq.heappush(self._turns, (self._now, owner))
        line.append(arrived)
        self.waiting += 1

    def take(self) -> float:
        """Takes the next job, of which there is one; returns its time of arrival."""
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
        """The time of arrival of the lane's next job."""
        self.waiting -= 1
        return self.lanes[lane].take()
