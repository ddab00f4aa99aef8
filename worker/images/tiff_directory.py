"""Checks the first directory of a TIFF file (TIFF 6.0, section 2) before Pillow reads it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shared.errors import ImageUndecodable

MAX_TAGS = 1_000
MAX_STRIPS = 1_000_000  # strips or tiles
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
SHORT, LONG = 3, 4
SUBFILE_TYPE, WIDTH, HEIGHT, BITS, FORMAT, DNG_VERSION = 254, 256, 257, 258, 339, 50706
STRIPS = ((273, 279), (324, 325))  # positions and lengths of strips, and of tiles
REDUCED = 1  # bit of the subfile type: a thumbnail of another picture in the file
MAX_BITS = 16
FLOATING = 3
FIELD_BYTES = 4  # values of up to this size stand in the entry itself


@dataclass(frozen=True)
class Entry:
    kind: int
    count: int
    position: int  # of its values in the file

    @property
    def size(self) -> int:
        return TYPE_BYTES.get(self.kind, 1) * self.count


def first_page_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the first page.

    Raises:
        ImageUndecodable: it is a camera's raw file, is cut off, has samples that are not accepted, or is
            built to keep the decoder busy.
        struct.error: the directory is damaged.
    """
    order = "<" if data[:1] == b"I" else ">"
    entries = entries_at(data, order, struct.unpack_from(f"{order}I", data, 4)[0])

    def values(tag: int, default: int = 0) -> tuple[int, ...]:
        entry = entries.get(tag)
        if entry is None or entry.kind not in (SHORT, LONG) or not entry.count:
            return (default,)
        code = "H" if entry.kind == SHORT else "I"
        return struct.unpack_from(f"{order}{min(entry.count, MAX_STRIPS)}{code}", data, entry.position)

    if DNG_VERSION in entries or values(SUBFILE_TYPE)[0] & REDUCED:
        raise ImageUndecodable("The file is a camera's raw file; develop it to JPEG, HEIC or TIFF first")
    if max(values(BITS, 1)) > MAX_BITS or values(FORMAT, 1)[0] == FLOATING:
        accepted = f"only integers of up to {MAX_BITS} bits are accepted"
        raise ImageUndecodable(f"The TIFF file has samples of {max(values(BITS, 1))} bits; {accepted}")
    for positions, lengths in STRIPS:
        ends = map(sum, zip(values(positions), values(lengths), strict=False))
        if max(ends) > len(data):
            raise ImageUndecodable("The TIFF file is cut off: a part of its pixels is missing")
    return values(WIDTH)[0], values(HEIGHT)[0]


def entries_at(data: bytes, order: str, start: int) -> dict[int, Entry]:
    """Return the entries of the directory at `start`, by tag; `order` is that of the bytes, for struct.

    Together they may hold no more bytes than the file has, or Pillow's copies of values that overlap would
    fill the memory.

    Raises:
        ImageUndecodable: they hold more, or there are too many.
        struct.error: the directory is damaged.
    """
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries: dict[int, Entry] = {}
    for at in range(start + 2, start + 2 + 12 * min(count, MAX_TAGS + 1), 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, at)
        entry = Entry(kind, number, at + 8)
        if entry.size > FIELD_BYTES:
            entry = Entry(kind, number, struct.unpack_from(f"{order}I", data, at + 8)[0])
        entries[tag] = entry
    strips = max((entries[tag].count for pair in STRIPS for tag in pair if tag in entries), default=0)
    held = sum(entry.size for entry in entries.values())
    if count > MAX_TAGS or strips > MAX_STRIPS or held > len(data):
        raise ImageUndecodable(f"The TIFF file has more than {MAX_TAGS:,} tags, or tags larger than the file")
    return entries
