"""Reads the whitelisted tags of EXIF data, which has the structure of a TIFF file (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct

from worker.images.metadata.fields import IMAGE, PHOTO, PLACE, TAGS, Tag, Value, fits, printable
from worker.images.tiff_directory import LONG, SHORT, Entry, entries_at

BYTE, ASCII, RATIONAL = 1, 2, 5
HEAD = b"Exif\0\0"
_NUMBERS = {BYTE: "B", SHORT: "H", LONG: "I"}


def read_exif(data: bytes, *, place: bool) -> dict[str, Value]:
    """Return values by the names of TAGS, those of the place only if it is wanted; texts of any length.

    Raises:
        struct.error, ImageUndecodable: the data is damaged, or built to keep the decoder busy.
    """
    data = data.removeprefix(HEAD)
    if data[:4] not in (b"II*\0", b"MM\0*"):
        raise struct.error("no TIFF header")
    order = "<" if data[:1] == b"I" else ">"
    main = entries_at(data, order, struct.unpack_from(f"{order}I", data, 4)[0])
    directories = {IMAGE: main}
    for number in (PHOTO, PLACE) if place else (PHOTO,):
        if number in main:
            start = struct.unpack_from(f"{order}I", data, main[number].position)[0]
            directories[number] = entries_at(data, order, start)
    found = {}
    for name, tag in TAGS.items():
        entry = directories.get(tag.directory, {}).get(tag.number)
        value = None if entry is None else _value(data, order, tag, entry)
        if value is not None and fits(tag, value):
            found[name] = value
    return found


def text_of(data: bytes) -> str:
    """Return a text in UTF-8 or, as older programs write it, in Latin-1."""
    try:
        return printable(data.decode())
    except UnicodeDecodeError:
        return printable(data.decode("latin-1"))


def _value(data: bytes, order: str, tag: Tag, entry: Entry) -> Value | None:
    """Return the tag's value; None if it is empty, or of another type than the standard says."""
    match tag.kind:
        case "text" if entry.kind == ASCII:
            content = data[entry.position : entry.position + entry.count]
            return text_of(content.split(b"\0")[0]) or None
        case "number" if entry.kind in _NUMBERS and entry.count:
            number: int = struct.unpack_from(order + _NUMBERS[entry.kind], data, entry.position)[0]
            return number
        case "ratios" if entry.kind == RATIONAL and entry.count == tag.count:
            parts = struct.unpack_from(f"{order}{2 * tag.count}I", data, entry.position)
            ratios = tuple(zip(parts[::2], parts[1::2], strict=True))
            return ratios if all(denominator for _, denominator in ratios) else None
    return None
