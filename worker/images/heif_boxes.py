"""Reads the picture's size from the boxes of a HEIC or AVIF file (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shared.errors import ImageUndecodable

MAX_BOXES = 2_000  # of the boxes that are read; files of phones have about 40
FULL_BOX = 4  # bytes of version and flags before the content of some boxes
HEADERS = {b"meta": FULL_BOX, b"iprp": 0, b"ipco": 0}  # boxes that hold the sizes, and their own header


def largest_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the largest picture; the others are its tiles, thumbnails and masks.

    Raises:
        ImageUndecodable: no size is found within MAX_BOXES boxes.
    """
    sizes = [struct.unpack_from(">II", data, at + FULL_BOX) for at in _size_boxes(data)]
    if not sizes:
        raise ImageUndecodable("The file is damaged: its header gives no size of the picture")
    return max(sizes, key=lambda size: size[0] * size[1])


def _size_boxes(data: bytes) -> Iterator[int]:
    """Yield the position of the content of each `ispe` box."""
    left = [(0, len(data))]
    count = 0
    while left:
        position, end = left.pop()
        while position + 8 <= end:
            count += 1
            if count > MAX_BOXES:
                raise ImageUndecodable(f"The file has more than {MAX_BOXES:,} boxes in its header")
            size, name = struct.unpack_from(">I4s", data, position)
            begin = position + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", data, begin)
                begin += 8
            after = position + max(size, 8) if size else end  # 0: to the end of the file
            if name == b"ispe":
                yield begin
            elif name in HEADERS:
                left.append((begin + HEADERS[name], min(after, end)))
            position = after
