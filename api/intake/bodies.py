"""Request bodies: JSON read into a model, and a form read into the same model and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from api.intake.forms import read_form
from api.intake.image_files import File, inline_file
from api.intake.json_members import check_json, check_sizes
from shared.disk import translated_disk_errors
from shared.errors import DiskFull
from shared.request_errors import BodyTooLarge, InvalidParameter, UnsupportedMediaType
from shared.settings import Settings
from shared.wire.descriptors import MAX_STYLES, JobRequest
from shared.wire.sources import DataSource

JSON_MARGIN_BYTES = 100_000  # for a job without its pictures
BASE64_FACTOR = 4 / 3
CHUNK_BYTES = 1 << 16
MAX_KEY_LENGTH = 255

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Submission:
    """A job whose pictures all have a URL or an upload id, once `files` are stored."""

    job: JobRequest
    files: tuple[File, ...]


def read_json(model: type[Model], max_bytes: int = JSON_MARGIN_BYTES) -> Model:
    """Return the request's JSON body.

    Raises:
        UnsupportedMediaType, BodyTooLarge: raised before the body is read if the headers show it.
        pydantic.ValidationError: the body is not JSON or does not fit the model (400 or 422).
        InvalidParameter: a member is given twice, or there are too many.
    """
    if not request.is_json:
        raise UnsupportedMediaType("The body must be application/json")
    body = json_bytes(max_bytes)
    check_json(body)
    return model.model_validate_json(body)


def json_bytes(max_bytes: int, setting: str | None = None) -> bytes:
    """Return the request's body; see `body_chunks`."""
    return b"".join(body_chunks(max_bytes, setting))


def body_chunks(max_bytes: int, setting: str | None) -> Iterator[bytes]:
    """Yield the request's body in chunks.

    Raises:
        BodyTooLarge: it is larger than `max_bytes`; the rest is not read. The sentence names `setting`.
    """
    named = f" ({setting})" if setting else ""
    too_large = BodyTooLarge(f"The body has more than {max_bytes:,} bytes{named}")
    request.max_content_length = max_bytes + 1  # werkzeug takes less than this of a body of unknown length
    left = max_bytes
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise too_large
            yield chunk
    except RequestEntityTooLarge:
        raise too_large from None


@contextmanager
def body_read_on_refusal() -> Iterator[None]:
    """Read the rest of the body if the block fails for lack of disk.

    Otherwise the client would see a broken connection and not the reason.
    """
    try:
        yield
    except DiskFull:
        with suppress(RequestEntityTooLarge):
            while request.stream.read(CHUNK_BYTES):
                pass
        raise


def has_body() -> bool:
    """Return whether the request has a body, of a known length or in chunks."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def idempotency_key() -> str | None:
    """Return the request's Idempotency-Key, or None."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise InvalidParameter(f"The Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters")
    return key


def max_job_bytes(settings: Settings) -> int:
    """Return the most bytes of a job as JSON: all its pictures are data: URIs of the largest size."""
    return int((1 + MAX_STYLES) * BASE64_FACTOR * settings.max_data_uri_bytes) + JSON_MARGIN_BYTES


def read_submission(settings: Settings) -> Submission:
    """Return a job that came as JSON or as a form with the files `content` and `style` and text fields.

    Raises:
        InvalidParameter: a data: URI is not base64.
        BodyTooLarge: a picture is too large.
        DiskFull: the disk has no room for the files.
        UnsupportedMediaType, pydantic.ValidationError: see `read_json`.
    """
    if request.mimetype == "multipart/form-data":
        with body_read_on_refusal(), translated_disk_errors():  # large files go to disk
            members, files = read_form(settings.max_upload_bytes)
        check_sizes(members)
        job = JobRequest.model_validate_json(json.dumps(members))
        submission = without_data(job, settings.max_data_uri_bytes)
        return Submission(submission.job, (*submission.files, *files))
    return without_data(read_json(JobRequest, max_job_bytes(settings)), settings.max_data_uri_bytes)


def without_data(job: JobRequest, max_bytes: int) -> Submission:
    """Return the job with each data: URI replaced by an upload, and the files of these uploads."""
    files = {
        pointer: inline_file(pointer, source, max_bytes)
        for pointer, source in job.sources().items()
        if isinstance(source, DataSource)
    }
    if not files:
        return Submission(job, ())
    members = job.model_dump(mode="json", exclude_unset=True)
    for pointer, file in files.items():
        _at(members, pointer).update(upload_id=file.upload_id)
        del _at(members, pointer)["data"]
    return Submission(type(job).model_validate_json(json.dumps(members)), tuple(files.values()))


def _at(members: dict[str, Any], pointer: str) -> dict[str, Any]:
    """Return the object at `/content`, `/style` or `/styles/N`."""
    member, _, index = pointer[1:].partition("/")
    found: dict[str, Any] = members[member][int(index)] if index else members[member]
    return found
