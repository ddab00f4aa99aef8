"""The objects that a batch leaves in the bucket."""

from __future__ import annotations

from collections.abc import Iterator

from shared.batch_records import Batch
from shared.job_store import JobStore

JOBS_PER_PAGE = 100


def batch_objects(store: JobStore, batch: Batch) -> Iterator[str]:
    """The keys of its jobs' pictures, and of its results."""
    cursor = None
    while True:
        page = store.page(batch.owner, limit=JOBS_PER_PAGE, cursor=cursor, batch_id=batch.id)
        yield from (placed.job.result.key for placed in page.jobs if placed.job.result)
        if page.cursor is None:
            break
        cursor = page.cursor
    yield from filter(None, (batch.output_key, batch.errors_key))
