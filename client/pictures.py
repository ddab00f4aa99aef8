"""What a caller may give as a picture. A file's format is told from its first bytes and not from its name."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from client.errors import NotAPicture
from shared.descriptors import MAX_URL, DataSource, UploadRequest, UploadSource, UrlSource
from shared.redaction import shown_url

File = os.PathLike[str] | bytes
Picture = File | str | UrlSource | UploadSource | DataSource
ContentType = Literal["image/jpeg", "image/png", "image/webp"]

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
SIGNATURES: dict[ContentType, re.Pattern[bytes]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
OTHER_SIGNATURES = {  # told apart only for the sake of the message
    "HEIC": re.compile(rb"....ftyp(hei|hev|mif|msf)", re.DOTALL),
    "AVIF": re.compile(rb"....ftypavi", re.DOTALL),
    "GIF": re.compile(rb"GIF8"),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "BMP": re.compile(rb"BM"),
    "PDF": re.compile(rb"%PDF"),
    "HTML or XML": re.compile(rb"\s*<[!?a-zA-Z]"),
}
CHUNK_BYTES = 1_000_000


def announcement(picture: File) -> UploadRequest:
    """What the service is told of a file first; of one that is no picture, only the beginning is read.

    Raises:
        NotAPicture: it is no JPEG, PNG or WebP file.
    """
    chunks = _chunks(picture)
    head = next(chunks)
    content_type = _content_type(head, picture)
    digest, size = hashlib.sha256(head), len(head)
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return UploadRequest(sha256=digest.hexdigest(), bytes=size, content_type=content_type)


def content_of(picture: File) -> bytes:
    return picture if isinstance(picture, bytes) else Path(picture).read_bytes()


def url_source(url: str) -> UrlSource:
    try:
        return UrlSource(url=url)
    except ValidationError:
        raise NotAPicture(
            f"{shown_url(url)!r} is no https:// or s3:// URL of up to {MAX_URL:,} characters; "
            "pass a file as a pathlib.Path, or its bytes"
        ) from None


def _chunks(picture: File) -> Iterator[bytes]:
    """One at least."""
    if isinstance(picture, bytes):
        yield picture
        return
    with Path(picture).open("rb") as file:
        yield file.read(CHUNK_BYTES)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def is_picture(head: bytes) -> bool:
    """Whether a file that begins so is of an accepted format."""
    return any(signature.match(head) for signature in SIGNATURES.values())


def _content_type(head: bytes, picture: File) -> ContentType:
    for content_type, signature in SIGNATURES.items():
        if signature.match(head):
            return content_type
    name = "what was given as bytes" if isinstance(picture, bytes) else Path(picture).name
    others = (kind for kind, signature in OTHER_SIGNATURES.items() if signature.match(head))
    known = "".join(f" but {kind}" for kind in islice(others, 1))
    raise NotAPicture(f"{name} is no JPEG, PNG or WebP file{known}")
