"""Places for requests that are held open, ?wait= and event streams: owners share those of an API process."""

from __future__ import annotations

import threading
from collections import Counter

KEPT_FOR_NEWCOMERS = 4  # one place in so many: who holds one already cannot have it


class HeldPlaces:
    """A newcomer finds a place though others would hold all; alone, an owner may have most of them."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._kept = number // KEPT_FOR_NEWCOMERS
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        return self._free

    def take(self, who: str) -> bool:
        """Return whether there was a place for another request of this owner."""
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
            self._held += Counter()  # without those that hold nothing
