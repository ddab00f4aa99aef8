"""A user's program with the generated Python client: `scenario.py URL KEY CONTENT STYLE TARGET`.

It writes the picture to TARGET and prints the codes of two errors.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from io import BytesIO
from pathlib import Path

import httpx
from generated import AuthenticatedClient
from generated.api.jobs import get_job, get_result, submit_job
from generated.api.uploads import announce_upload
from generated.models import (
    GetResultRedirect,
    JobForm,
    JobRequest,
    JobStatus,
    JobView,
    Output,
    OutputFormat,
    Params,
    Problem,
    StoredFile,
    Upload,
    UploadRequest,
    UploadRequestContentType,
    UploadSource,
)
from generated.types import File

PENDING = (JobStatus.QUEUED, JobStatus.RUNNING)
PATIENCE_SECONDS = 60


def upload(client: AuthenticatedClient, file: Path) -> UploadSource:
    content = file.read_bytes()
    announced = UploadRequest(
        sha256=hashlib.sha256(content).hexdigest(),
        bytes_=len(content),
        content_type=UploadRequestContentType.IMAGEJPEG,
    )
    place = announce_upload.sync(client=client, body=announced)
    assert isinstance(place, Upload), place
    if not place.exists:
        headers = place.headers.additional_properties
        httpx.put(place.url, content=content, headers=headers).raise_for_status()
    return UploadSource(upload_id=place.upload_id)


def ended(client: AuthenticatedClient, job: JobView) -> JobView:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while job.status in PENDING and time.monotonic() < deadline:
        state = get_job.sync(job.id, client=client, wait=10)
        assert isinstance(state, JobView), state
        job = state
    assert job.status is JobStatus.SUCCEEDED, job
    return job


def save(client: AuthenticatedClient, job: JobView, target: Path) -> None:
    place = get_result.sync(job.id, client=client, redirect=GetResultRedirect.NO)
    assert isinstance(place, StoredFile), place
    target.write_bytes(httpx.get(place.url).raise_for_status().content)


def main(url: str, key: str, content: str, style: str, target: str) -> None:
    client = AuthenticatedClient(base_url=url, token=key)
    with client:
        wanted = JobRequest(
            content=upload(client, Path(content)),
            style=upload(client, Path(style)),
            params=Params(strength=0.5, max_side=64),
            output=Output(format_=OutputFormat.PNG),
            tags=["generated"],
        )
        job = submit_job.sync(client=client, body=wanted, idempotency_key="once")
        assert isinstance(job, JobView), job
        save(client, ended(client, job), Path(target))

        form = JobForm(
            content=File(BytesIO(Path(content).read_bytes()), "photo.jpg", "image/jpeg"),
            style=File(BytesIO(Path(style).read_bytes()), "style.jpg", "image/jpeg"),
            params=Params(max_side=64),
        )
        sent = submit_job.sync(client=client, body=form)
        assert isinstance(sent, JobView), sent
        ended(client, sent)

        wanted.params = Params(strength=2)
        refused = submit_job.sync(client=client, body=wanted)
        missing = get_job.sync("job_" + "0" * 32, client=client)
        assert isinstance(refused, Problem)
        assert isinstance(missing, Problem)
        problems = [[refused.code, refused.pointer], [missing.code, None]]
        print(json.dumps({"job_id": job.id, "problems": problems}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
