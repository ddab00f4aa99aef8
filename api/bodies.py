"""Request bodies: JSON straight into a model; a multipart submission into the same model and its files."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, TypeVar

from flask import request
from pydantic import BaseModel
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from shared.descriptors import MAX_STYLES, DataSource, JobRequest
from shared.disk import translated_disk_errors
from shared.errors import BodyTooLarge, DiskFull, InvalidParameter, UnsupportedMediaType
from shared.settings import Settings

JSON_MARGIN_BYTES = 100_000  # for all of a job that is not a picture
BASE64_FACTOR = 4 / 3
CHUNK_BYTES = 1 << 16
MAX_KEY_LENGTH = 255
PLAIN_TEXT_FIELDS = {"custom_id", "lane"}  # form fields that are taken as they are
REPEATED_FIELDS = {"tags"}  # form fields that may come as one part per item; all others are JSON

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class File:
    """A picture that came with the request, to be stored under its digest."""

    upload_id: str
    content_type: str
    body: IO[bytes]


@dataclass(frozen=True)
class Submission:
    """A job whose pictures all have an address, once `files` are stored."""

    job: JobRequest
    files: tuple[File, ...]


def read_json(model: type[Model], max_bytes: int = JSON_MARGIN_BYTES) -> Model:
    """The request's JSON body.

    Raises:
        UnsupportedMediaType, BodyTooLarge: before the body is read, where the headers say so.
        pydantic.ValidationError: it is no JSON, or not this model; answered as 400 or 422.
    """
    if not request.is_json:
        raise UnsupportedMediaType("The body must be application/json")
    return model.model_validate_json(json_bytes(max_bytes))


def json_bytes(max_bytes: int, setting: str | None = None) -> bytes:
    """The request's body, as `body_chunks`."""
    return b"".join(body_chunks(max_bytes, setting))


def body_chunks(max_bytes: int, setting: str | None) -> Iterator[bytes]:
    """The request's body, piece by piece.

    Raises:
        BodyTooLarge: it is larger; no more than that is read. `setting` is named as what sets the limit.
    """
    named = f" ({setting})" if setting else ""
    too_large = BodyTooLarge(f"The body has more than {max_bytes:,} bytes{named}")
    request.max_content_length = max_bytes + 1  # of a body of unknown length, werkzeug takes less than this
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
    """Around what reads the body: where there is no room for it, the rest is read too.

    Else its sender would hear of a broken connection and not of the reason.
    """
    try:
        yield
    except DiskFull:
        with suppress(RequestEntityTooLarge):
            while request.stream.read(CHUNK_BYTES):
                pass
        raise


def has_body() -> bool:
    """Where a body may be left out: whether the request has one, of a known length or in chunks."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def idempotency_key() -> str | None:
    """The request's Idempotency-Key, or None."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise InvalidParameter(f"The Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters")
    return key


def max_job_bytes(settings: Settings) -> int:
    """Of a job as JSON whose pictures are all data: URIs of the largest size."""
    return int((1 + MAX_STYLES) * BASE64_FACTOR * settings.max_data_uri_bytes) + JSON_MARGIN_BYTES


def read_submission(settings: Settings) -> Submission:
    """A job as JSON, or as multipart/form-data with files `content` and `style` and all else as text fields.

    Raises:
        as `read_json`; InvalidParameter: a data: URI is not base64; BodyTooLarge: a picture is too large;
        DiskFull: there is no room for its files.
    """
    if request.mimetype == "multipart/form-data":
        with body_read_on_refusal(), translated_disk_errors():  # larger files among its parts go there
            return _read_form(settings)
    return without_data(read_json(JobRequest, max_job_bytes(settings)), settings.max_data_uri_bytes)


def without_data(job: JobRequest, max_bytes: int) -> Submission:
    """The job with its data: URIs replaced by the uploads that their files will be."""
    files = {
        pointer: _inline_file(pointer, source, max_bytes)
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
    """The object at `/content`, `/style` or `/styles/N`."""
    member, _, index = pointer[1:].partition("/")
    found: dict[str, Any] = members[member][int(index)] if index else members[member]
    return found


def _read_form(settings: Settings) -> Submission:
    files = {
        member: _form_file(member, file, settings.max_upload_bytes)
        for member, file in request.files.items()
        if file.filename is not None
    }
    members: dict[str, Any] = {name: _form_value(name, texts) for name, texts in request.form.lists()}
    members |= {member: {"upload_id": file.upload_id} for member, file in files.items()}
    job = JobRequest.model_validate_json(json.dumps(members))
    submission = without_data(job, settings.max_data_uri_bytes)
    return Submission(submission.job, (*submission.files, *files.values()))


def _form_value(name: str, texts: list[str]) -> Any:
    if name in REPEATED_FIELDS and not _is_collection(texts[0]):
        return texts
    text, *more = texts
    if more:
        raise InvalidParameter(f"The form field {name!r} is given {len(texts)} times", f"/{name}")
    if name in PLAIN_TEXT_FIELDS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # the second one of thousands of brackets
        raise InvalidParameter(f"The form field {name!r} must be JSON", f"/{name}") from None


def _is_collection(text: str) -> bool:
    """Whether it is a list or an object in JSON, and not a word that begins like one."""
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def _form_file(member: str, file: FileStorage, max_bytes: int) -> File:
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    if size > max_bytes:
        limit = f"the limit is {max_bytes:,} (max_upload_bytes)"
        raise BodyTooLarge(f"The file has {size:,} bytes; {limit}", f"/{member}")
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a spooled file
    file.stream.seek(0)
    return File(digest, file.mimetype or "application/octet-stream", file.stream)


def _inline_file(pointer: str, source: DataSource, max_bytes: int) -> File:
    header, _, text = source.data.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidParameter("The data: URI is not base64", f"{pointer}/data") from None
    if len(data) > max_bytes:
        raise BodyTooLarge(
            f"The data: URI has {len(data):,} bytes; the limit is {max_bytes:,} (max_data_uri_bytes). "
            "Larger files go through POST /v1/uploads or a multipart submission",
            f"{pointer}/data",
        )
    content_type = header.removeprefix("data:").partition(";")[0]
    return File(hashlib.sha256(data).hexdigest(), content_type, BytesIO(data))
