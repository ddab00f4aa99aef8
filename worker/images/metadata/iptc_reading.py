"""Reads IPTC's older binary format (IIM 4.2), which JPEG and TIFF files may hold."""

from __future__ import annotations

import struct

from worker.images.metadata.exif_reading import text_of

DATASET = struct.Struct(">BBBH")  # marker, record, number, length of the value
MARKER, APPLICATION = 0x1C, 2
TITLE, KEYWORD, DATE, CREATOR, RIGHTS, DESCRIPTION = 5, 25, 55, 80, 116, 120
NAMES = {
    TITLE: "title",
    KEYWORD: "keywords",
    DATE: "created",
    CREATOR: "creators",
    RIGHTS: "rights",
    DESCRIPTION: "description",
}


def read_iptc(data: bytes) -> dict[str, list[str]]:
    """Return texts by the names of Metadata's members, up to the first damage."""
    found: dict[str, list[str]] = {}
    position = 0
    while position + DATASET.size <= len(data):
        marker, record, number, length = DATASET.unpack_from(data, position)
        position += DATASET.size + length
        if marker != MARKER or position > len(data):
            break
        text = text_of(data[position - length : position])
        if record == APPLICATION and number in NAMES and text:
            found.setdefault(NAMES[number], []).append(_dated(text) if number == DATE else text)
    return found


def _dated(text: str) -> str:
    """Return the date 20260131 as 2026-01-31."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
