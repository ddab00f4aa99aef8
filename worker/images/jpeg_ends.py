"""Repairs JPEG files that break off, if they lack no more than their last rows."""

from __future__ import annotations

import io

from PIL import ImageChops, JpegImagePlugin

from shared.errors import ImageUndecodable
from shared.wire.records import JobWarning
from worker.images.jpeg_structure import END, JpegStructure

# One row of blocks, up to 16 pixels high, and the pixel row above it, into which its colors reach.
MAX_MISSING_ROWS = 17
# The decoder fills in zeros, so this noise begins with a one bit; it contains no marker.
_NOISE = bytes((37 * n + 183) % 255 for n in range(512))
_RESTARTS = tuple(bytes((0xFF, number)) for number in range(0xD0, 0xD8))


def with_end(data: bytes, structure: JpegStructure) -> tuple[bytes, JobWarning]:
    """Return the file with an end marker, and the warning that it had none.

    libjpeg fills in missing pixels without reporting where. So the picture is decoded with two different
    endings; rows that are equal in both do not depend on the missing bytes.

    Raises:
        ImageUndecodable: more than the last MAX_MISSING_ROWS rows are missing.
        Exception: whatever Pillow raises for a damaged file.
    """
    rest = data.rstrip(b"\xff")  # half of the end marker
    whole = rest + END
    missing = _missing_rows(whole, rest + _noise_after(rest) + END) if structure.has_all_scans else None
    if missing is None or missing > MAX_MISSING_ROWS:
        rows = f"more than its last {MAX_MISSING_ROWS} rows of pixels are missing"
        raise ImageUndecodable(f"The JPEG file is cut off: {rows}")
    state = f"its last {missing} rows may be filled in" if missing else "all of its pixels are there"
    return whole, JobWarning(code="image-truncated", detail=f"The JPEG file has no end marker; {state}")


def _noise_after(data: bytes) -> bytes:
    """Return noise that is decoded even if the decoder waits for the next restart marker in the cycle."""
    last = max(reversed(range(len(_RESTARTS))), key=lambda number: data.rfind(_RESTARTS[number]))
    following = (*_RESTARTS[last + 1 :], *_RESTARTS[: last + 1])
    return _NOISE + b"".join(restart + _NOISE for restart in following)


def _missing_rows(data: bytes, noisy: bytes) -> int:
    one, other = (JpegImagePlugin.JpegImageFile(io.BytesIO(each)) for each in (data, noisy))
    box = ImageChops.difference(one, other).getbbox()
    return one.height - box[1] if box else 0
