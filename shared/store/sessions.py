"""Sessions of browsers in Redis. A session stands for an API key, for a limited time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time

import redis

from shared.store.api_keys import KeyStore
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX
from shared.wire.operations.api_key import ID_BYTES, ApiKey

SESSION_SECONDS = 12 * 3600
MOST_SESSIONS = 20  # of a key; one more ends the oldest
SECRET_BYTES = 32

_TEXT = re.compile(rf"([0-9a-f]{{{2 * ID_BYTES}}})\.([A-Za-z0-9_-]{{43}})")


class Sessions:
    """All methods raise QueueUnavailable when Redis does not respond.

    A session's text is its key's id and 256 random bits. Redis keeps a proof: the HMAC of the text under the
    key's digest. So nobody makes a session who can only read Redis, nor who can write but not read keys, as
    workers can. A session ends with its key, because it is found through the key's record.
    """

    def __init__(self, connection: redis.Redis, keys: KeyStore) -> None:
        self._redis = connection
        self._keys = keys

    def begin(self, key: ApiKey) -> str:
        """Begin a session of this key; return its text, which is stored nowhere."""
        text = f"{key.id}.{secrets.token_urlsafe(SECRET_BYTES)}"
        sessions, now = _sessions_key(key.id), time.time()
        with translated_errors(), self._redis.pipeline() as step:
            step.zadd(sessions, {_proof(key, text): now + SESSION_SECONDS})
            step.zremrangebyscore(sessions, "-inf", now)
            step.zremrangebyrank(sessions, 0, -MOST_SESSIONS - 1)
            step.expire(sessions, SESSION_SECONDS)
            step.execute()
        return text

    def find(self, text: str) -> ApiKey | None:
        """Return the record of the session's key, even if the key expired; None if the session has ended."""
        key = self._key_of(text)
        if key is None:
            return None
        with translated_errors():
            ends_at = self._redis.zscore(_sessions_key(key.id), _proof(key, text))
        return key if ends_at is not None and ends_at > time.time() else None

    def end(self, text: str) -> None:
        """End a session. One that has ended already stays so."""
        key = self._key_of(text)
        if key is not None:
            with translated_errors():
                self._redis.zrem(_sessions_key(key.id), _proof(key, text))

    def _key_of(self, text: str) -> ApiKey | None:
        found = _TEXT.fullmatch(text)
        return self._keys.get(found[1]) if found else None


def _sessions_key(key_id: str) -> str:
    """Return the name of a sorted set: the proofs of a key's sessions, by the times when they end."""
    return f"{PREFIX}sessions:{key_id}"


def _proof(key: ApiKey, text: str) -> str:
    return hmac.new(bytes.fromhex(key.sha256), text.encode(), hashlib.sha256).hexdigest()
