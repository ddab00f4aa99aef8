"""How a result gets into a file: it appears complete or not at all, and only if its digest is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from client.errors import (
    JobFailed,
    RequestRefused,
    ResultCorrupt,
    ServiceUnavailable,
    why_there_is_no_picture,
)
from client.folder.partial_files import replacing
from client.http.transport import Transport
from shared.wire.batch_records import ResultRow
from shared.wire.records import JobView, ResultView


def result_of(job: JobView) -> ResultView:
    """
    Raises:
        JobFailed: the job ended without a picture.
        RequestRefused: it has not ended.
    """
    if job.result is not None:
        return job.result
    if job.finished:
        raise JobFailed(job)
    detail = f"job {job.id} is still {job.status}; there is no picture yet"
    raise RequestRefused(HTTPStatus.CONFLICT, "job-not-finished", detail)


def download(job_id: str, sha256: str, file: Path, transport: Transport) -> None:
    path = f"/v1/jobs/{quote(job_id, safe='')}/result"
    # Each try asks the service for a fresh URL, because the one before may have run out.
    transport.retries.persist(lambda: _save(transport.stream(path), job_id, sha256, file))


def download_row(row: ResultRow, file: Path, transport: Transport) -> None:
    """By the URL in the row itself, which costs the service nothing; a fresh one if that has run out."""
    if row.result is None:
        raise RequestRefused(HTTPStatus.CONFLICT, row.status, why_there_is_no_picture(row.status, row.error))
    sha256 = row.result.sha256
    if row.result.url is not None:
        try:
            _save(transport.stream_stored(row.result.url), row.job_id, sha256, file)
        except (RequestRefused, ServiceUnavailable):
            pass
        else:
            return
    download(row.job_id, sha256, file, transport)


def _save(chunks: Iterator[bytes], job_id: str, sha256: str, file: Path) -> None:
    with replacing(file) as partial:
        if _write(chunks, partial) != sha256:
            raise ResultCorrupt(f"the picture of job {job_id} arrived with another SHA-256 digest")


def _write(chunks: Iterator[bytes], path: Path) -> str:
    """The answer is the SHA-256 digest of what was written."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
