"""A batch's results as they stand: as NDJSON with presigned URLs, and as one ZIP, both streamed."""

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
NAME_BYTES = 150  # of a part of a path; systems take 255, and something is put behind it
MANIFEST = "manifest.json"


def result_rows(
    parts: Services, owner: str, batch_id: str, after: int, status: JobStatus | None
) -> Iterator[tuple[Job, ResultRow]]:
    """Jobs in the order in which they ended, behind the first `after`, with presigned URLs."""
    while job_ids := parts.batches.ended_jobs(batch_id, after, ROWS_PER_STEP):
        found = {placed.job_id: placed for placed in parts.store.look_many(job_ids, owner)}
        for cursor, job_id in enumerate(job_ids, after + 1):
            placed = found.get(job_id)
            if placed and placed.finished and status in (None, placed.status):
                yield placed.job, row_of(placed.job, cursor, _presigned(parts, placed.job))
        after += len(job_ids)


def _presigned(parts: Services, job: Job) -> str | None:
    if job.result is None:
        return None
    result = job.result
    return parts.storage.presigned_get(result.key, result.content_type, bucket=result.bucket)


def archive(parts: Services, owner: str, batch_id: str) -> Iterator[bytes]:
    """A ZIP of the pictures and a manifest.json; one picture is read while it is sent, and none before."""
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
    """Return a path named after the client's own name for the job, else after its line, that stays inside."""
    suffix = f".{job.request.output.format.replace('jpeg', 'jpg')}"
    steps = (portable_name(step, NAME_BYTES) for step in (row.custom_id or "").split("/"))
    return PurePosixPath(("/".join(filter(None, steps)) or f"{row.line:06d}") + suffix)
