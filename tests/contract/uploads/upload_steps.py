"""Short forms for tests of uploads."""

from __future__ import annotations

import redis

from shared.policy.object_keys import upload_key
from shared.storage.objects import Storage
from shared.store.objects.object_gc import ObjectGarbage
from tests.jobs import OWNER, now_ms
from worker.upkeep.removal import Removal

KEPT_SECONDS = 7 * 24 * 3600
STYLE = "5" * 64
OTHER = "6" * 64
NAMED = {"style": {"upload_id": STYLE}}
KEY = upload_key(OWNER, STYLE)


def taken(garbage: ObjectGarbage) -> list[str]:
    """Return the uploads that would be removed now; they stay taken."""
    return list(garbage.take(100, KEPT_SECONDS).keys)


def announced_ago(connection: redis.Redis, milliseconds: float, upload_id: str = STYLE) -> None:
    connection.zadd("sq:uploads", {f"{OWNER}/{upload_id}": now_ms(connection) - milliseconds})


def removal(garbage: ObjectGarbage, storage: Storage, kept_seconds: float = KEPT_SECONDS) -> Removal:
    return Removal(garbage, storage, kept_seconds)
