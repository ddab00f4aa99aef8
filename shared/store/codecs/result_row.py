"""Jobs as lines of their batch's results."""

from __future__ import annotations

from shared.ids import line_of
from shared.wire.batch_records import ResultRow, RowResult
from shared.wire.records import Job


def row_of(job: Job, cursor: int | None = None, url: str | None = None) -> ResultRow:
    """Return the job's line; `url` is a presigned one of the picture."""
    row = job.members_of(ResultRow) | {"cursor": cursor, "line": line_of(job.id), "job_id": job.id}
    return ResultRow(**row | {"result": job.result and RowResult(url=url, **dict(job.result))})
