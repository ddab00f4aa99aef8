"""What a caller may give as a picture. A file's format is told from its first bytes and not from its name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from client.errors import NotAPicture
from shared.descriptors import DataSource, UploadSource, UrlSource

File = os.PathLike[str] | bytes
Picture = File | str | UrlSource | UploadSource | DataSource
ContentType = Literal["image/jpeg", "image/png", "image/webp"]

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
SIGNATURES: dict[ContentType, re.Pattern[bytes]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
HEAD_BYTES = 12  # the longest signature


def read(picture: File) -> tuple[bytes, ContentType]:
    """The picture's bytes and its format; of a file that is no picture, no more than the head is read."""
    if isinstance(picture, bytes):
        return picture, _content_type(picture, "what was given as bytes")
    path = Path(picture)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        content_type = _content_type(head, path.name)
        return head + file.read(), content_type


def url_source(url: str) -> UrlSource:
    try:
        return UrlSource(url=url)
    except ValidationError:
        raise NotAPicture(
            f"{url!r} is no https:// or s3:// URL; pass a file as a pathlib.Path, or its bytes"
        ) from None


def _content_type(head: bytes, name: str) -> ContentType:
    for content_type, signature in SIGNATURES.items():
        if signature.match(head):
            return content_type
    raise NotAPicture(f"{name} is no JPEG, PNG or WebP file")
