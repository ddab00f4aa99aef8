"""Reads the segments of a JPEG file without decoding it (ITU T.81, annex B)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import ImageUndecodable

MAX_SEGMENTS = 2_000  # a 25 MB file of empty segments costs Pillow 10 s and 800 MB
MAX_SCANS = 100  # each covers all pixels; encoders write about 10
MAX_PADDING = 65_536  # bytes between all segments together; 25 MB of them cost Pillow 12 s

FRAMES = frozenset(bytes((0xFF, kind)) for kind in range(0xC0, 0xD0)) - {
    b"\xff\xc4",
    b"\xff\xc8",
    b"\xff\xcc",
}
SAMPLE_BITS = 8
SCAN, END = b"\xff\xda", b"\xff\xd9"
LOSSLESS = (b"\xff\xc3", b"\xff\xcb")  # frames, Huffman and arithmetic
_MARKER = re.compile(rb"\xff[^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff]")  # those with a length, and the end
_COEFFICIENTS = 64  # of a block
_SHORTEST_SCAN = 8  # bytes of a scan's header with one component


@dataclass(frozen=True)
class JpegStructure:
    """The properties of a file that its segments show."""

    lossless: bool
    one_scan: bool  # so libjpeg keeps no more than a few rows in memory
    has_all_scans: bool  # the last one that the picture needs has begun
    has_end: bool


def jpeg_structure(data: bytes) -> JpegStructure:
    """Read the segments.

    Raises:
        ImageUndecodable: decoding would take far more time or memory than the file's size suggests, or its
            samples do not have SAMPLE_BITS.
    """
    scans: list[bytes] = []
    lossless = has_end = False
    segments = padding = position = 0
    while not has_end and (marker := _MARKER.search(data, position)):
        padding += 0 if scans else marker.start() - position
        kind, position = marker.group(), marker.end()
        segments += 1
        length = 0 if kind == END else max(2, int.from_bytes(data[position : position + 2]))
        if kind in FRAMES:
            _check_bits(data[position + 2 : position + 3])
        if kind == SCAN:
            scans.append(data[position : position + length])
        position += length
        has_end = kind == END and bool(scans)  # Pillow ignores an end before any scan
        lossless |= kind in LOSSLESS
        if len(scans) > MAX_SCANS or segments > MAX_SEGMENTS or padding > MAX_PADDING:
            most = f"{MAX_SCANS} scans, {MAX_SEGMENTS} segments or {MAX_PADDING} padding bytes"
            raise ImageUndecodable(f"The JPEG file has more than {most}")
    return JpegStructure(lossless, len(scans) == 1, bool(scans) and (lossless or _cover_all(scans)), has_end)


def _check_bits(precision: bytes) -> None:
    if precision and precision[0] != SAMPLE_BITS:
        has = f"{precision[0]} bits per sample"
        raise ImageUndecodable(f"The JPEG file has {has}; only files with {SAMPLE_BITS} are accepted")


def _cover_all(scans: Sequence[bytes]) -> bool:
    """Return whether the scans contain each coefficient of their components to its last bit."""
    missing: dict[int, set[int]] = defaultdict(lambda: set(range(_COEFFICIENTS)))
    for scan in scans:
        if len(scan) < _SHORTEST_SCAN:
            return False
        first, last, bits = scan[-3:]
        for component in scan[3 : 3 + 2 * scan[2] : 2]:
            missing[component] -= set(range(first, last + 1)) if bits & 0x0F == 0 else set()
    return not any(missing.values())
