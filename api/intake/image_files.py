"""Image files in requests. Their size and format are checked before anything is stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage

from shared.policy.image_formats import (
    ACCEPTED,
    CONTENT_TYPES,
    HEAD_BYTES,
    ContentType,
    content_type_of,
    why_not_accepted,
)
from shared.redaction import shortened
from shared.request_errors import BodyTooLarge, InvalidParameter, UnsupportedMediaType
from shared.wire.sources import DataSource

# Accepted Content-Types of a part: all names of the accepted formats, or no particular type.
DECLARED = frozenset(
    {"", "application/octet-stream", "binary/octet-stream"}
    | {f"image/{name}" for name in ("jpg", "pjpeg", "x-png", "apng", "heif", "x-ms-bmp", "x-bmp", "*")}
    | {f"image/{name}-sequence" for name in ("heic", "heif", "avif")}
    | set(CONTENT_TYPES)
)


@dataclass(frozen=True)
class File:
    """A picture from a request, to be stored under its digest with the type that its bytes show."""

    upload_id: str
    content_type: ContentType
    body: IO[bytes]
    size: int


def form_file(member: str, part: FileStorage, max_bytes: int) -> File:
    """Return the file of a form's part.

    Raises:
        BodyTooLarge: it is larger than `max_bytes`.
        UnsupportedMediaType: its declared type or its bytes are not an accepted image.
    """
    pointer = f"/{member}"
    size = part.stream.seek(0, os.SEEK_END)
    part.stream.seek(0)
    if size > max_bytes:
        limit = f"the limit is {max_bytes:,} (max_upload_bytes)"
        raise BodyTooLarge(f"The file has {size:,} bytes; {limit}", pointer)
    if part.mimetype not in DECLARED:
        declared = shortened(part.mimetype)
        raise UnsupportedMediaType(
            f"The file is declared as '{declared}'; only {ACCEPTED} images are accepted", pointer
        )
    content_type = _checked_type(part.stream.read(HEAD_BYTES), pointer)
    part.stream.seek(0)
    digest = hashlib.file_digest(part.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a spooled file
    part.stream.seek(0)
    return File(digest, content_type, part.stream, size)


def inline_file(pointer: str, source: DataSource, max_bytes: int) -> File:
    """Return the file of a data: URI.

    Raises:
        InvalidParameter: it is not base64.
        BodyTooLarge: it is larger than `max_bytes`.
        UnsupportedMediaType: its bytes are not an accepted image.
    """
    _, _, text = source.data.partition(",")
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
    content_type = _checked_type(data[:HEAD_BYTES], f"{pointer}/data")
    return File(hashlib.sha256(data).hexdigest(), content_type, BytesIO(data), len(data))


def sent_file(body: IO[bytes], digest: str) -> File:
    """Return the file that is a request's whole body, read from its start.

    Raises:
        UnsupportedMediaType: its bytes are not an accepted image.
    """
    content_type = _checked_type(body.read(HEAD_BYTES), "")
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    return File(digest, content_type, body, size)


def _checked_type(head: bytes, pointer: str) -> ContentType:
    content_type = content_type_of(head)
    if content_type is None:
        raise UnsupportedMediaType(why_not_accepted(head), pointer)
    return content_type
