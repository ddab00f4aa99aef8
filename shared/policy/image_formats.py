"""The accepted image formats, recognized by a file's first bytes, not by its name or declared type."""

from __future__ import annotations

import re
from typing import Literal, get_args

ContentType = Literal[
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/avif",
    "image/tiff",
    "image/bmp",
    "image/gif",
]
CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)
NAMES: dict[ContentType, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    "image/heic": "HEIC",
    "image/avif": "AVIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/gif": "GIF",
}
*_FIRST, _LAST = NAMES.values()
ACCEPTED = f"{', '.join(_FIRST)} and {_LAST}"
ACCEPTED_ONE = f"{', '.join(_FIRST)} or {_LAST}"

HEAD_BYTES = 64  # enough for every signature
# In this order. HEIC and AVIF may begin with `mif1` or `msf1`; the compatible brands after it tell which.
SIGNATURES: dict[ContentType, re.Pattern[bytes]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
    "image/avif": re.compile(rb"....ftyp(avi[fs]|m[is]f1.{4}(.{4})*?avi[fs])", re.DOTALL),
    "image/heic": re.compile(rb"....ftyp(he[iv][cxms]|m[is]f1)", re.DOTALL),
    # The raw files of some cameras begin like TIFF, Canon's with CR after the position of the first picture.
    "image/tiff": re.compile(rb"(II\*\0|MM\0\*).{4}(?!CR)", re.DOTALL),
    "image/bmp": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "image/gif": re.compile(rb"GIF8[79]a"),
}
_OTHERS = {  # recognized only for the error message
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "a video": re.compile(rb"....ftyp(?!avi[fs]|he[iv]|m[is]f1)|\x1aE\xdf\xa3", re.DOTALL),
    "a camera's raw file": re.compile(rb"(II\*\0|MM\0\*)....CR|FUJIFILMCCD-RAW", re.DOTALL),
    "PDF": re.compile(rb"%PDF"),
    "HTML or XML": re.compile(rb"\s*<[!?a-zA-Z]"),
}


def content_type_of(head: bytes) -> ContentType | None:
    """Return the format of a file that begins with `head`; None if the format is not accepted."""
    return next((kind for kind, signature in SIGNATURES.items() if signature.match(head)), None)


def other_format_of(head: bytes) -> str | None:
    """Return the name of a known format that is not accepted; None if the format is unknown."""
    return next((name for name, signature in _OTHERS.items() if signature.match(head)), None)


def why_not_accepted(head: bytes) -> str:
    """Return a sentence that names the file's actual format, if its first bytes show it."""
    what = (other_format_of(head) or "not an image") if head else "empty"
    return f"The file is {what}; only {ACCEPTED} images are accepted"
