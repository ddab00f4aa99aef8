"""What an owner has of that which quotas limit."""

from __future__ import annotations

import redis
from pydantic import Field

from shared.policy.quotas import Quotas
from shared.store.redis.scripts import Scripts
from shared.wire.records import Record


class Amount(Record):
    used: int
    limit: int


class Usage(Record):
    """How much the caller has, and how much it may have at a time."""

    records: Amount = Field(description="Jobs and batches that are kept, ended ones too.")
    pending_webhooks: Amount = Field(description="Webhooks that are still to be delivered.")
    idempotency_keys: Amount = Field(description="Idempotency-Keys of the last day.")
    announced_uploads: Amount = Field(description="Uploads that were announced and that no job has named.")
    stored_bytes: Amount = Field(
        description="Bytes of results and announced uploads, those of older versions of the service excepted."
    )


class UsageLook:
    def __init__(self, connection: redis.Redis, quotas: Quotas) -> None:
        self._scripts = Scripts(connection, ["usage"])
        self._quotas = quotas

    def of(self, owner: str) -> Usage:
        """
        Raises:
            QueueUnavailable: Redis does not answer.
        """
        most = self._quotas
        used = self._scripts.run("usage", owner, most.announced_ms)
        limits = (most.records, most.deliveries, most.keys, most.announced, most.stored)
        amounts = (Amount(used=number, limit=limit) for number, limit in zip(used, limits, strict=True))
        return Usage(**dict(zip(Usage.model_fields, amounts, strict=True)))
