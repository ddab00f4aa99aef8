"""A batch's results so far, streamed as rows with presigned URLs and as one ZIP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

from zipstream import ZIP_STORED, ZipStream

from api.services import Services
from shared.policy.file_names import TakenPaths, portable_name
from shared.store.codecs.result_row import row_of
from shared.wire.batch_records import ResultRow
from shared.wire.records import Job, JobStatus

ROWS_PER_STEP = 100
NAME_BYTES = 150  # of a part of a path; systems allow 255, and suffixes are added
MANIFEST = "manifest.json"


def result_rows(
    parts: Services, owner: str, batch_id: str, after: int, status: JobStatus | None
) -> Iterator[tuple[Job, ResultRow]]:
    """Yield jobs and rows with presigned URLs, in the order of their ends, without the first `after`."""
    while job_ids := parts.batches.ended_jobs(batch_id, after, ROWS_PER_STEP):
        found = {snapshot.job_id: snapshot for snapshot in parts.store.look_many(job_ids, owner)}
        for cursor, job_id in enumerate(job_ids, after + 1):
            snapshot = found.get(job_id)
            if snapshot and snapshot.finished and status in (None, snapshot.status):
                yield snapshot.job, row_of(snapshot.job, cursor, _presigned(parts, snapshot.job))
        after += len(job_ids)


def _presigned(parts: Services, job: Job) -> str | None:
    if job.result is None:
        return None
    result = job.result
    return parts.storage.presigned_get(result.key, result.content_type, bucket=result.bucket)


def archive(parts: Services, owner: str, batch_id: str) -> Iterator[bytes]:
    """Yield a ZIP of the pictures and a manifest.json. Each picture is read only while it is sent."""
    stream = ZipStream(compress_type=ZIP_STORED, sized=False)  # pictures are compressed already
    taken = TakenPaths((MANIFEST,))
    manifest = []
    seen = set()
    for job, row in result_rows(parts, owner, batch_id, 0, None):
        if job.id in seen:
            continue
        seen.add(job.id)
        entry = row.model_dump(mode="json", exclude_none=True, exclude={"cursor": True, "result": {"url"}})
        if job.result:
            entry["file"] = str(taken.give(_path(job, row)))
            stream.add(parts.storage.stream(job.result.key, bucket=job.result.bucket), entry["file"])
            yield from stream.file()
        manifest.append(entry)
    stream.add(json.dumps(manifest, indent=1, ensure_ascii=False).encode(), MANIFEST)
    yield from stream.finalize()


def _path(job: Job, row: ResultRow) -> PurePosixPath:
    """Return a safe relative path from the job's custom_id, or else from its line."""
    suffix = f".{job.request.output.format.replace('jpeg', 'jpg')}"
    steps = (portable_name(step, NAME_BYTES) for step in (row.custom_id or "").split("/"))
    return PurePosixPath(("/".join(filter(None, steps)) or f"{row.line:06d}") + suffix)
