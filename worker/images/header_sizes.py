"""Reads width and height from the headers of WebP, GIF and BMP files."""

from __future__ import annotations

import struct

OS2_HEADER_BYTES = 12  # of the oldest BMP header, which has sizes of 16 bits


def webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height in the header: RFC 9649 (VP8X, VP8L), RFC 6386 section 9.1 (VP8)."""
    match data[12:16]:
        case b"VP8X":
            head = struct.unpack_from("10s", data, 20)[0]
            return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF


def gif_size(data: bytes) -> tuple[int, int]:
    """Return the logical screen's width and height (GIF89a, section 18)."""
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def bmp_size(data: bytes) -> tuple[int, int]:
    """Return width and height; a negative height means that the first row is the top one."""
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == OS2_HEADER_BYTES:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)
