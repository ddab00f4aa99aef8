"""Places for requests held open (?wait= and event streams), shared by the owners who use an API process."""

from __future__ import annotations

import threading
from collections import Counter

KEPT_FOR_NEWCOMERS = 4  # one place in four is kept for owners who hold none


class HeldPlaces:
    """A bounded number of places. One owner may hold most of them, and a newcomer still finds one."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._kept = number // KEPT_FOR_NEWCOMERS
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        return self._free

    def take(self, who: str) -> bool:
        """Take a place for a request of this owner; return whether one was free."""
        with self._lock:
            if self._free <= (self._kept if self._held[who] else 0):
                return False
            self._free -= 1
            self._held[who] += 1
            return True

    def give_back(self, who: str) -> None:
        with self._lock:
            self._free += 1
            self._held[who] -= 1
            self._held += Counter()  # drops the owners who hold none
