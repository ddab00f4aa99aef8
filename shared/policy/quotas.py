"""Quotas: limits on what one owner may store, so that no owner can fill the service for the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from shared.request_errors import QuotaFull, TooMuchPending
from shared.settings import Settings
from shared.telemetry.metrics import QUOTA_REFUSALS

ANY_NUMBER = 2**53
SENTENCES = {
    "records": "jobs and batches at a time, ended ones too (max_records_per_owner); delete some",
    "stored": "bytes of results and uploads at a time (max_stored_bytes_per_owner); delete jobs",
    "record_bytes": "bytes of records at a time (max_record_bytes_per_owner); delete jobs and batches",
    "deliveries": "webhooks at a time that are still to be delivered (max_pending_webhooks)",
    "announced": "announced uploads at a time that no job has named (max_announced_uploads)",
    "keys": "Idempotency-Keys in a day (max_idempotency_keys)",
}
PASSING = {"deliveries", "announced", "keys"}  # these fall by themselves, so the client may wait and retry


@dataclass(frozen=True)
class Quotas:
    """The most of each kind that an owner may have at a time.

    An announced upload counts for `announced_ms`; if that is 0, until a job names the upload.
    """

    records: int = ANY_NUMBER
    stored: int = ANY_NUMBER
    record_bytes: int = ANY_NUMBER
    deliveries: int = ANY_NUMBER
    announced: int = ANY_NUMBER
    keys: int = ANY_NUMBER
    announced_ms: int = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            records=settings.max_records_per_owner,
            stored=settings.max_stored_bytes_per_owner,
            record_bytes=settings.max_record_bytes_per_owner,
            deliveries=settings.max_pending_webhooks,
            announced=settings.max_announced_uploads,
            keys=settings.max_idempotency_keys,
            announced_ms=1000 * settings.upload_retention_seconds,
        )

    def as_options(self) -> dict[str, int]:
        """Return the quotas as the Lua scripts expect them."""
        return {**{kind: getattr(self, kind) for kind in SENTENCES}, "announced_ms": self.announced_ms}

    def to_json(self) -> str:
        return json.dumps(self.as_options())

    def refuse(self, kind: str) -> None:
        """Count the refusal and raise its error.

        Raises:
            TooMuchPending: the quota is for something that passes by itself.
            QuotaFull: the quota is for something that stays until the owner deletes it.
        """
        QUOTA_REFUSALS.labels(kind).inc()
        refusal = TooMuchPending if kind in PASSING else QuotaFull
        raise refusal(f"You may have {getattr(self, kind):,} {SENTENCES[kind]}")


NO_QUOTAS = Quotas()
for quota in SENTENCES:
    QUOTA_REFUSALS.labels(quota)  # starts the series at zero
