"""Usage by owner of what quotas limit."""

from __future__ import annotations

import redis

from shared.policy.quotas import Quotas
from shared.store.redis.scripts import Scripts
from shared.wire.operations.usage_records import Amount, Usage

QUOTAS = [name for name in Usage.model_fields if name != "account"]


class UsageLook:
    def __init__(self, connection: redis.Redis, quotas: Quotas) -> None:
        self._scripts = Scripts(connection, ["usage"])
        self._quotas = quotas

    def of(self, owner: str) -> Usage:
        """
        Raises:
            QueueUnavailable: Redis does not respond.
        """
        most = self._quotas
        used = self._scripts.run("usage", owner, most.announced_ms)
        limits = (most.records, most.deliveries, most.keys, most.announced, most.stored, most.record_bytes)
        amounts = (Amount(used=number, limit=limit) for number, limit in zip(used, limits, strict=True))
        return Usage(**dict(zip(QUOTAS, amounts, strict=True)))
