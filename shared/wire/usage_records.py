"""How much an owner has of what quotas limit."""

from __future__ import annotations

from pydantic import Field

from shared.wire.records import Record


class Amount(Record):
    used: int
    limit: int


class Usage(Record):
    """How much an owner has, and how much it may have at a time."""

    records: Amount = Field(description="Jobs and batches that are kept, ended ones too.")
    pending_webhooks: Amount = Field(description="Webhooks that are still to be delivered.")
    idempotency_keys: Amount = Field(description="Idempotency-Keys of the last day.")
    announced_uploads: Amount = Field(description="Uploads that were announced and that no job has named.")
    stored_bytes: Amount = Field(
        description="Bytes of results and announced uploads, those of older versions of the service excepted."
    )
    record_bytes: Amount = Field(
        description="Bytes that jobs and batches take in Redis, those of older versions excepted."
    )
