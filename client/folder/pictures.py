"""Pictures as callers give them. The first bytes of a file tell its format, not its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from client.errors import NotAPicture
from shared.policy.image_formats import ACCEPTED_ONE, ContentType, content_type_of, other_format_of
from shared.redaction import shown_url
from shared.wire.base import MAX_URL
from shared.wire.descriptors import UploadRequest
from shared.wire.records import JobView
from shared.wire.sources import DataSource, UploadSource, UrlSource

File = os.PathLike[str] | bytes
Picture = File | str | UrlSource | UploadSource | DataSource

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}  # of results
CHUNK_BYTES = 1_000_000


def announcement(picture: File) -> UploadRequest:
    """Return the announcement of a file: its digest, size and format.

    Raises:
        NotAPicture: its format is not accepted. Only its first chunk is read then.
    """
    chunks = _chunks(picture)
    head = next(chunks)
    content_type = _content_type(head, picture)
    digest, size = hashlib.sha256(head), len(head)
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return UploadRequest(sha256=digest.hexdigest(), bytes=size, content_type=content_type)


def suffix_of(job: JobView) -> str:
    """Return the file suffix of a job's picture, with its dot; empty if the job has no picture."""
    return SUFFIXES.get(job.result.content_type, "") if job.result else ""


def content_of(picture: File) -> bytes:
    return picture if isinstance(picture, bytes) else Path(picture).read_bytes()


def url_source(url: str) -> UrlSource:
    try:
        return UrlSource(url=url)
    except ValidationError:
        raise NotAPicture(
            f"{shown_url(url)!r} is not an https:// or s3:// URL of up to {MAX_URL:,} characters; "
            "pass a file as a pathlib.Path, or its bytes"
        ) from None


def _chunks(picture: File) -> Iterator[bytes]:
    """Yield at least one chunk."""
    if isinstance(picture, bytes):
        yield picture
        return
    with Path(picture).open("rb") as file:
        yield file.read(CHUNK_BYTES)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _content_type(head: bytes, picture: File) -> ContentType:
    content_type = content_type_of(head)
    if content_type is not None:
        return content_type
    name = "the given data" if isinstance(picture, bytes) else Path(picture).name
    if not head:
        raise NotAPicture(f"{name} is empty")
    other = other_format_of(head)
    raise NotAPicture(f"{name} is not a {ACCEPTED_ONE} file" + (f" but {other}" if other else ""))
