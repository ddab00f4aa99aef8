"""The use of the quotas by an owner."""

from __future__ import annotations

from pydantic import Field

from shared.wire.operations.account_records import Account
from shared.wire.records import Record


class Amount(Record):
    used: int
    limit: int


class Usage(Record):
    """The used amount and the limit of each quota, and on request the account of a span of days."""

    records: Amount = Field(description="Stored jobs and batches, including ended ones.")
    pending_webhooks: Amount = Field(description="Webhooks that are not delivered yet.")
    idempotency_keys: Amount = Field(description="Idempotency-Keys of the last day.")
    announced_uploads: Amount = Field(description="Announced uploads that no job has named.")
    stored_bytes: Amount = Field(
        description="Bytes of results and announced uploads, except those of older versions of the service."
    )
    record_bytes: Amount = Field(
        description="Bytes that jobs and batches take in Redis, except those of older versions."
    )
    account: Account | None = Field(None, description="Present if the query has `from`, `to` or `by`.")

    def quotas(self) -> dict[str, Amount]:
        """Return the quotas by name."""
        return {name: amount for name, amount in self if isinstance(amount, Amount)}
