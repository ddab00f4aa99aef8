"""Collects the notes of an opened file: EXIF, IPTC and XMP. What is too large or damaged is left out."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, TypeVar

from PIL import Image

from shared.errors import ImageUndecodable
from shared.wire.records import JobWarning
from worker.images.metadata.exif_reading import read_exif
from worker.images.metadata.fields import (
    DATE,
    MAX_CREATOR,
    MAX_CREATORS,
    MAX_DESCRIPTION,
    MAX_EXIF_TEXT,
    MAX_KEYWORD,
    MAX_KEYWORDS,
    MAX_TEXT,
    Metadata,
    Value,
    printable,
)
from worker.images.metadata.iptc_reading import read_iptc
from worker.images.metadata.xmp_reading import XmpRefused, read_xmp

MAX_BYTES = 1_000_000  # of EXIF, of IPTC and of XMP data each; cameras write less than 64 kB
IPTC_IN_JPEG, IPTC_IN_TIFF = 0x0404, 33723  # a Photoshop resource, and a tag
CODE = "metadata-left-out"
_CHARACTERS = {"title": MAX_TEXT, "description": MAX_DESCRIPTION, "rights": MAX_TEXT}
_LISTS = {"creators": (MAX_CREATORS, MAX_CREATOR), "keywords": (MAX_KEYWORDS, MAX_KEYWORD)}
Texts = dict[str, list[str]]
Found = TypeVar("Found")


def read_metadata(file: Image.Image, data: bytes, *, place: bool) -> tuple[Metadata, tuple[JobWarning, ...]]:
    """Return the notes in a file that Pillow has loaded from `data`, and warnings about what is left out."""
    left_out = _LeftOut()
    is_tiff = file.format == "TIFF"
    exif_data = data if is_tiff else file.info.get("exif")
    exif: dict[str, Value] = left_out.unless_read(
        "EXIF", exif_data, lambda found: read_exif(found, place=place), {}, is_tiff
    )
    older: Texts = left_out.unless_read("IPTC", _iptc_of(file), read_iptc, {})
    texts: Texts = {**older, **left_out.unless_read("XMP", file.info.get("xmp"), read_xmp, {})}
    for name, value in list(exif.items()):
        if isinstance(value, str) and len(value) > MAX_EXIF_TEXT:
            left_out.note(f"{name} has more than {MAX_EXIF_TEXT:,} characters")
            del exif[name]
    return Metadata(exif=exif, **_members(texts, left_out)), left_out.warnings()


class _LeftOut:
    """The reasons why parts are left out."""

    def __init__(self) -> None:
        self._reasons: list[str] = []

    def note(self, reason: str) -> None:
        self._reasons.append(reason)

    def unless_read(
        self, what: str, data: Any, read: Callable[[bytes], Found], nothing: Found, any_size: bool = False
    ) -> Found:
        """Return what `read` finds in the data, or `nothing` if the data is missing, too large or damaged."""
        if not isinstance(data, bytes) or not data:
            return nothing
        if len(data) > MAX_BYTES and not any_size:
            self.note(f"the {what} data has {len(data):,} bytes; the limit is {MAX_BYTES:,}")
            return nothing
        try:
            return read(data)
        except (struct.error, ImageUndecodable, XmpRefused):
            self.note(f"the {what} data is damaged, or of a form that is not accepted")
            return nothing

    def warnings(self) -> tuple[JobWarning, ...]:
        if not self._reasons:
            return ()
        return (JobWarning(code=CODE, detail="Not kept: " + "; ".join(self._reasons)),)


def _iptc_of(file: Image.Image) -> Any:
    if file.format == "TIFF":
        return getattr(file, "tag_v2", {}).get(IPTC_IN_TIFF)
    resources = file.info.get("photoshop")
    return resources.get(IPTC_IN_JPEG) if isinstance(resources, dict) else None


def _members(texts: Texts, left_out: _LeftOut) -> dict[str, Any]:
    """Return the members of Metadata; each text that is too long is left out, and so are further ones of a
    full list."""
    members: dict[str, Any] = {}
    for name, most in _CHARACTERS.items():
        for text in map(printable, texts.get(name, [])[:1]):
            if len(text) <= most:
                members[name] = text or None
            else:
                left_out.note(f"{name} has more than {most:,} characters")
    for name, (most_items, most) in _LISTS.items():
        items = [item for text in texts.get(name, ()) if (item := printable(text))]
        short = tuple(item for item in dict.fromkeys(items) if len(item) <= most)
        members[name] = short[:most_items]
        if len(members[name]) < len(set(items)):
            left_out.note(f"{name} has more than {most_items} items, or one of more than {most} characters")
    dates = (date.strip() for date in texts.get("created", ()))
    members["created"] = next((date for date in dates if re.fullmatch(DATE, date)), None)
    return members
