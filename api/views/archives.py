"""ZIPs of pictures: those of a batch so far, or of chosen jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath

from flask import Response
from zipstream import ZIP_STORED, ZipStream

from api.http.spec import ZIP
from api.services import Services
from api.views.held_streams import held_stream
from shared.errors import PermanentError
from shared.ids import line_of
from shared.policy.file_names import TakenPaths, portable_name
from shared.store.codecs.result_row import row_of
from shared.wire.records import Job

NAME_BYTES = 150  # of a part of a path; systems allow 255, and suffixes are added
MANIFEST = "manifest.json"
WITHOUT = "without-picture.txt"


def archive_response(name: str, pieces: Iterator[bytes]) -> Response:
    """Return a download that holds a place of this process while it is sent.

    Raises:
        TooManyStreams: there is no place.
    """
    response = held_stream(pieces, ZIP)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return response


def archive(parts: Services, jobs: Iterable[Job], without: Iterable[str] = ()) -> Iterator[bytes]:
    """Yield a ZIP of the jobs' pictures, each job once. Each picture is read only while it is sent.

    A manifest.json has a row for each job. A text file lists the jobs without a picture, behind the lines
    `without`; it is absent if there is nothing to list.
    """
    stream = ZipStream(compress_type=ZIP_STORED, sized=False)  # pictures are compressed already
    taken, lines = TakenPaths((MANIFEST, WITHOUT)), list(without)
    manifest, seen = [], set[str]()
    for job in jobs:
        if job.id in seen:
            continue
        seen.add(job.id)
        entry = row_of(job).model_dump(mode="json", exclude_none=True)
        picture = _opened(parts, job)
        if isinstance(picture, str):
            lines.append(f"{job.custom_id or job.id}: {picture}")
        else:
            entry["file"] = str(taken.give(path_of(job)))
            stream.add(picture, entry["file"])
            yield from stream.file()
        manifest.append(entry)
    if lines:
        stream.add("".join(f"{line}\n" for line in lines).encode(), WITHOUT)
    stream.add(json.dumps(manifest, indent=1, ensure_ascii=False).encode(), MANIFEST)
    yield from stream.finalize()


def _opened(parts: Services, job: Job) -> Iterator[bytes] | str:
    """Return the bytes of a job's picture, or why there is none. The first bytes are read at once."""
    if job.result is None:
        return f"{job.status}, {job.error.detail}" if job.error else job.status
    pieces = parts.storage.stream(job.result.key, bucket=job.result.bucket)
    try:
        return chain((next(pieces, b""),), pieces)
    except PermanentError as error:
        return error.detail


def path_of(job: Job) -> PurePosixPath:
    """Return a safe relative path from the job's custom_id, or else from its line or its id."""
    suffix = f".{job.request.output.format.replace('jpeg', 'jpg')}"
    steps = (portable_name(step, NAME_BYTES) for step in (job.custom_id or "").split("/"))
    other = f"{line_of(job.id):06d}" if job.batch_id else job.id
    return PurePosixPath(("/".join(filter(None, steps)) or other) + suffix)
