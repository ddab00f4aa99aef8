"""How a result gets into a file: it appears complete or not at all, and only if its digest is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from client.errors import JobFailed, RequestRefused, ResultCorrupt
from client.transport import Transport
from shared.records import JobView, ResultView


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


def download(url_path: str, job: JobView, file: Path, transport: Transport) -> None:
    sha256 = result_of(job).sha256

    def attempt() -> None:
        partial = file.with_name(f".{uuid4().hex}.part")
        try:
            # Each try asks the service for a fresh URL, because the one before may have run out.
            if _write(transport.stream(url_path), partial) != sha256:
                raise ResultCorrupt(f"the picture of job {job.id} arrived with another SHA-256 digest")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)

    file.parent.mkdir(parents=True, exist_ok=True)
    transport.retries.persist(attempt)


def _write(chunks: Iterator[bytes], path: Path) -> str:
    """The answer is the SHA-256 digest of what was written."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
