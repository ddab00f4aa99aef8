"""A cache of API keys and sessions in one process. Each is looked up again after a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from shared.errors import QueueUnavailable
from shared.store.api_keys import KeyStore
from shared.store.sessions import Sessions
from shared.wire.operations.api_key import ApiKey, digest_of

FRESH_SECONDS = 1.0  # for which a revoked key may still be valid
NOTE_SECONDS = 600  # between two writes of a key's last use
MOST_KEYS = 10_000  # in the cache


@dataclass(frozen=True)
class Found:
    """A valid key in the cache; times are monotonic."""

    key: ApiKey
    found_at: float
    noted_at: float


class Keyring:
    """A cache of valid keys. Threads may share it; two that find a key stale at a time both look it up.

    Only valid keys are cached: an unknown key is looked up in Redis each time.
    """

    def __init__(self, store: KeyStore, sessions: Sessions) -> None:
        self.store = store
        self.sessions = sessions
        self._found: dict[str, Found] = {}  # by digest
        self._empty_at = float("-inf")

    def find(self, text: str) -> ApiKey | None:
        """Return the record of the key `text`, expired or not; None if nobody has this key.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        return self._look_up(text, self.store.find)

    def find_by_session(self, text: str) -> ApiKey | None:
        """Return the record of the key for which the session `text` stands; None if the session has ended.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        return self._look_up(text, self.sessions.find)

    def end_session(self, text: str) -> None:
        """End a session: here at once, in other processes within a second.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        self.sessions.end(text)
        self._found.pop(digest_of(text), None)

    def _look_up(self, text: str, find: Callable[[str], ApiKey | None]) -> ApiKey | None:
        digest = digest_of(text)
        known = self._found.get(digest)
        if known and time.monotonic() - known.found_at < FRESH_SECONDS:
            return known.key
        key = find(text)
        if key is None or key.has_expired:
            self._found.pop(digest, None)
        else:
            self._remember(digest, key, known)
        return key

    def is_empty(self) -> bool:
        """Return whether there is no key at all. For a second after the first was made it may still be True.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        if time.monotonic() - self._empty_at < FRESH_SECONDS:
            return True
        empty = self.store.is_empty()
        if empty:
            self._empty_at = time.monotonic()
        return empty

    def _remember(self, digest: str, key: ApiKey, known: Found | None) -> None:
        now = time.monotonic()
        noted_at = known.noted_at if known else float("-inf")
        if now - noted_at > NOTE_SECONDS:
            with suppress(QueueUnavailable):  # reading goes on where Redis refuses writes
                self.store.note_use(key.id)
            noted_at = now
        if len(self._found) >= MOST_KEYS:
            self._found.clear()
        self._found[digest] = Found(key, now, noted_at)
