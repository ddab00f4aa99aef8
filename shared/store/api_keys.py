"""API keys in Redis: created, found, listed and revoked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import redis

from shared.store.redis.connection import translated_errors
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ApiKey, Scope, id_in, new_key

KEYS = "sq:keys"  # hash: ApiKey as JSON by id
LAST_USED = "sq:keys:used"  # hash: seconds since the epoch by id; coarse, see api/access/keyring.py


class KeyStore:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def create(
        self,
        owner: str,
        scope: Scope = Scope.USER,
        name: str = "",
        *,
        expires_at: datetime | None = None,
        lanes: tuple[Lane, ...] | None = None,
    ) -> tuple[str, ApiKey]:
        """Make a key. Returns its text, which is stored nowhere, and its record. An owner may have many."""
        text, key = new_key(owner, scope, name, expires_at=expires_at, lanes=lanes)
        with translated_errors():
            self._redis.hset(KEYS, key.id, key.model_dump_json(exclude_none=True))
        return text, key

    def find(self, text: str) -> ApiKey | None:
        """Return the record of the key `text`, even if it expired; None if it is unknown or revoked."""
        key_id = id_in(text)
        key = self.get(key_id) if key_id else None
        return key if key and key.is_of(text) else None

    def get(self, key_id: str) -> ApiKey | None:
        """Return the record with this id, even if the key expired; None if it is unknown or revoked."""
        with translated_errors():
            kept = cast("str | None", self._redis.hget(KEYS, key_id))
        return ApiKey.model_validate_json(kept) if kept else None

    def keys(self, owner: str | None = None) -> list[ApiKey]:
        """Return the keys of one owner or of all, the oldest first."""
        with translated_errors():
            kept = cast("list[str]", self._redis.hvals(KEYS))
        found = (ApiKey.model_validate_json(text) for text in kept)
        return sorted(
            (key for key in found if owner in (None, key.owner)), key=lambda key: (key.created_at, key.id)
        )

    def revoke(self, key_id: str) -> bool:
        """Remove a key. Returns whether there was one."""
        with translated_errors(), self._redis.pipeline() as pipeline:
            pipeline.hdel(KEYS, key_id)
            pipeline.hdel(LAST_USED, key_id)
            return bool(pipeline.execute()[0])

    def is_empty(self) -> bool:
        with translated_errors():
            return not self._redis.exists(KEYS)

    def note_use(self, key_id: str) -> None:
        """Note that the key was used just now. If it is being revoked meanwhile, the note may stay."""
        with translated_errors():
            self._redis.hset(LAST_USED, key_id, int(datetime.now(UTC).timestamp()))

    def last_used(self) -> dict[str, datetime]:
        """Return the time of each key's last use by its id, without keys that were never used."""
        with translated_errors():
            noted = cast("dict[str, str]", self._redis.hgetall(LAST_USED))
        return {key_id: datetime.fromtimestamp(int(seconds), UTC) for key_id, seconds in noted.items()}
