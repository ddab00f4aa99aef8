"""A batch's results so far, as rows with presigned URLs."""

from __future__ import annotations

from collections.abc import Iterator

from api.services import Services
from shared.store.codecs.result_row import row_of
from shared.wire.batch_records import ResultRow
from shared.wire.records import Job, JobStatus

ROWS_PER_STEP = 100


def result_rows(
    parts: Services, owner: str, batch_id: str, after: int, status: JobStatus | None
) -> Iterator[ResultRow]:
    """Yield rows with presigned URLs, in the order of the jobs' ends, without the first `after`."""
    for cursor, job in ended_jobs(parts, owner, batch_id, after):
        if status in (None, job.status):
            yield row_of(job, cursor, _presigned(parts, job))


def ended_jobs(parts: Services, owner: str, batch_id: str, after: int = 0) -> Iterator[tuple[int, Job]]:
    """Yield a batch's jobs in the order of their ends, with the number of each end, from `after` + 1 on.

    A job that was retried comes once for each end.
    """
    while job_ids := parts.batches.ended_jobs(batch_id, after, ROWS_PER_STEP):
        found = {snapshot.job_id: snapshot for snapshot in parts.store.look_many(job_ids, owner)}
        for cursor, job_id in enumerate(job_ids, after + 1):
            snapshot = found.get(job_id)
            if snapshot and snapshot.finished:
                yield cursor, snapshot.job
        after += len(job_ids)


def _presigned(parts: Services, job: Job) -> str | None:
    if job.result is None:
        return None
    result = job.result
    return parts.storage.presigned_get(result.key, result.content_type, bucket=result.bucket)
