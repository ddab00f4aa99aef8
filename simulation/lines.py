"""What waits, in the order of the service: owners in turn, and a window of messages for each lane."""

from __future__ import annotations

from collections import deque

from shared.descriptors import Lane


class LaneLine:
    """One lane, as shared/lua/dispatch.lua has it: an owner has a turn until nothing of it is found."""

    def __init__(self) -> None:
        self.messages: deque[float] = deque()  # by their jobs' times of arrival
        self._lines: dict[str, deque[float]] = {}  # of those who have a turn
        self._turns: deque[str] = deque()

    def add(self, owner: str, arrived: float) -> None:
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
            self._turns.append(owner)
        line.append(arrived)

    def dispatch(self, window: int) -> int:
        """Fills the window once it is half empty, one owner after another; answers how many jobs went."""
        room = window - len(self.messages)
        if room < window / 2:
            return 0
        before = len(self.messages)
        while self._turns and len(self.messages) < window:
            owner = self._turns.popleft()
            line = self._lines[owner]
            if line:
                self.messages.append(line.popleft())
                self._turns.append(owner)
            else:
                del self._lines[owner]
        return len(self.messages) - before


class Lines:
    """All lanes."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneLine] = {lane: LaneLine() for lane in Lane}
        self.waiting = 0  # jobs that no worker holds
        self.messages = 0  # of these, those that a worker can take

    def add(self, lane: str, owner: str, arrived: float, window: int) -> None:
        self.lanes[lane].add(owner, arrived)
        self.waiting += 1
        self.dispatch(lane, window)

    def dispatch(self, lane: str, window: int) -> None:
        self.messages += self.lanes[lane].dispatch(window)

    def take(self, lane: str) -> float:
        """The time of arrival of the lane's next job."""
        self.waiting -= 1
        self.messages -= 1
        return self.lanes[lane].messages.popleft()
