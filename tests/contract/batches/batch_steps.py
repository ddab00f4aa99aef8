"""Short forms for tests of the store of batches."""

from __future__ import annotations

from shared.policy.idempotency import Idempotency
from shared.store.batches import BatchStore
from shared.wire.batch_records import BatchError, BatchStatus
from tests.jobs import OWNER

WHY = BatchError(code="storage-unavailable", detail="The storage does not answer")
OBJECTS = ("output", "errors")
ONCE = Idempotency.of(OWNER, "key", b"the request")


def status_of(batches: BatchStore, batch_id: str, owner: str = OWNER) -> BatchStatus:
    return batches.look(batch_id, owner).batch.status


def counts_of(batches: BatchStore, batch_id: str) -> dict[str, int]:
    counts = batches.look(batch_id, OWNER).batch.counts
    return {status: number for status, number in counts.items() if number}
