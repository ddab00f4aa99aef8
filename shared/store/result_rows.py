"""Jobs as lines of their batch's results."""

from __future__ import annotations

from shared.ids import line_of
from shared.wire.batch_records import ResultRow, RowResult
from shared.wire.records import Job


def row_of(job: Job, cursor: int | None = None, url: str | None = None) -> ResultRow:
    """`url` is a presigned one of the picture."""
    return ResultRow(
        cursor=cursor,
        line=line_of(job.id),
        job_id=job.id,
        custom_id=job.custom_id,
        status=job.status,
        result=job.result and RowResult(url=url, **dict(job.result)),
        error=job.error,
        tags=job.tags,
        metadata=job.metadata,
    )
