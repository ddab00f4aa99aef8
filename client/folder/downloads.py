"""Downloads of results: a file appears complete or not at all, and only with the right digest."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
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
    """Return the job's result.

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


async def download(job_id: str, sha256: str, file: Path, transport: Transport) -> None:
    path = f"/v1/jobs/{quote(job_id, safe='')}/result"
    # Each try asks the service for a new URL, because the last one may have expired.
    await transport.persist(lambda: _save(transport.stream(path), job_id, sha256, file))


async def download_row(row: ResultRow, file: Path, transport: Transport) -> None:
    """Download by the URL in the row, which costs the service nothing; by a new one if that has expired."""
    if row.result is None:
        raise RequestRefused(HTTPStatus.CONFLICT, row.status, why_there_is_no_picture(row.status, row.error))
    sha256 = row.result.sha256
    if row.result.url is not None:
        try:
            await _save(transport.stream_stored(row.result.url), row.job_id, sha256, file)
        except (RequestRefused, ServiceUnavailable):
            pass
        else:
            return
    await download(row.job_id, sha256, file, transport)


async def _save(chunks: AsyncGenerator[bytes], job_id: str, sha256: str, file: Path) -> None:
    with replacing(file) as partial:
        if await _write(chunks, partial) != sha256:
            raise ResultCorrupt(f"the picture of job {job_id} arrived with another SHA-256 digest")


async def _write(chunks: AsyncGenerator[bytes], path: Path) -> str:
    """Write the chunks and return their SHA-256 digest."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        async with aclosing(chunks):
            async for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
    return digest.hexdigest()
