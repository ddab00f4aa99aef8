"""The accepted image formats, recognized by a file's first bytes, not by its name or declared type."""

from __future__ import annotations

import re
from typing import Literal

ContentType = Literal["image/jpeg", "image/png", "image/webp"]

ACCEPTED = "JPEG, PNG and WebP"
HEAD_BYTES = 64  # enough for every signature
SIGNATURES: dict[ContentType, re.Pattern[bytes]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
}
_OTHERS = {  # recognized only for the error message
    "HEIC": re.compile(rb"....ftyp(hei|hev|mif|msf)", re.DOTALL),
    "AVIF": re.compile(rb"....ftypavi", re.DOTALL),
    "GIF": re.compile(rb"GIF8"),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "BMP": re.compile(rb"BM"),
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
