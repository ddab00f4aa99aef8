"""A memory of keys that were valid lately. Requests with other keys count as their address."""

from __future__ import annotations

import threading
import time

LET_IN = "stylequeue.let_in"  # set in the environ of a request whose key is valid
KNOWN_SECONDS = 600  # after a key's last request
MOST_KNOWN = 10_000


class KnownKeys:
    """A bounded memory of valid keys, by their hashes.

    It has no made-up keys, so a client cannot count as many senders. Threads add keys, and the worker's loop
    looks them up.
    """

    def __init__(self, most: int = MOST_KNOWN, seconds: float = KNOWN_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._used_at: dict[int, float] = {}  # the key that was used longest ago comes first
        self._lock = threading.Lock()

    def add(self, key: int) -> None:
        """Remember a key that let a request in, in place of the least recently used of too many."""
        with self._lock:
            self._used_at.pop(key, None)
            self._used_at[key] = time.monotonic()
            if len(self._used_at) > self._most:
                del self._used_at[next(iter(self._used_at))]

    def __contains__(self, key: int | None) -> bool:
        used_at = None if key is None else self._used_at.get(key)
        return used_at is not None and time.monotonic() - used_at < self._seconds
