"""Small and odd pictures of all kinds: each that is valid and within the limits is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from tests.files.lossless_jpeg import lossless_jpeg
from tests.files.pictures import LIMITS, chunk, decode_style, photo, saved
from worker.images.codec import decode_content

ANY_SIZE = replace(LIMITS, min_image_side=1, max_aspect_ratio=10_000)
SIDES = (1, 2, 3, 4, 5, 8, 15, 16, 17, 20)
SIZES = [*product(SIDES, SIDES), (1920, 96), (9, 300)]
MAX_SIDES = (8, 64, 90)
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's color types
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
TRANSPARENT = {0: b"\0\0", 2: bytes(6), 3: b"\0\x80"}

Make = Callable[[int, int], bytes]


def kinds() -> Iterator[tuple[str, Make]]:
    for mode in ("1", "L", "P", "RGB", "LA", "RGBA"):
        yield f"png {mode}", lambda w, h, mode=mode: saved(photo(w, h).convert(mode))
    for options in ({"quality": 1}, {"quality": 100, "subsampling": 0}, {"progressive": True}):
        yield f"jpeg {options}", lambda w, h, options=options: saved(photo(w, h), "JPEG", **options)
    for mode in ("L", "CMYK"):
        yield f"jpeg {mode}", lambda w, h, mode=mode: saved(photo(w, h).convert(mode), "JPEG")
    yield "jpeg lossless", lambda w, h: lossless_jpeg(photo(w, h).convert("L"))
    for mode, lossless in product(("RGB", "RGBA"), (True, False)):
        yield (
            f"webp {mode} {lossless}",
            lambda w, h, mode=mode, lossless=lossless: saved(
                photo(w, h).convert(mode), "WEBP", lossless=lossless
            ),
        )
    yield "webp of one color", lambda w, h: saved(Image.new("RGB", (w, h)), "WEBP", lossless=True)
    yield "smallest webp", smallest_webp


def smallest_webp(width: int, height: int) -> bytes:
    """Return 28 bytes, lossless: no transform, and five prefix codes of one symbol (RFC 9649, 6.2)."""
    codes = sum(1 << 3 + 4 * code for code in range(5)).to_bytes(3, "little")
    body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + codes
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


KINDS = list(kinds())


def black_png(
    width: int, height: int, color: int, depth: int, *, interlaced: bool, transparent: bool
) -> bytes:
    """Return a PNG of any color type, with and without Adam7's seven passes."""
    rows = [(width, height)]
    if interlaced:
        rows = [((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in PASSES]
    pixels = b"".join(
        (b"\0" + bytes((columns * CHANNELS[color] * depth + 7) // 8)) * count
        for columns, count in rows
        if columns > 0
    )
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    chunks = [(b"IHDR", header)]
    chunks += [(b"PLTE", bytes(48))] if color == 3 else []
    chunks += [(b"tRNS", TRANSPARENT[color])] if transparent else []
    chunks += [(b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def check(data: bytes, width: int, height: int) -> None:
    for longest in MAX_SIDES:
        decoded = decode_content(data, longest, ANY_SIZE)
        scale = min(1.0, longest / max(width, height))
        assert decoded.picture.shape == (max(1, round(height * scale)), max(1, round(width * scale)), 3)
        assert decoded.warnings == ()
    assert decode_style(data, 64, ANY_SIZE).shape == (64, 64, 3)


@pytest.mark.parametrize("make", [make for _, make in KINDS], ids=[name for name, _ in KINDS])
def test_a_picture_of_any_size_and_kind_is_decoded(make: Make) -> None:
    for size in SIZES:
        check(make(*size), *size)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("color", CHANNELS)
def test_a_png_of_any_color_type_and_depth_is_decoded(color: int, interlaced: bool) -> None:
    for depth, transparent, size in product(DEPTHS[color], (False, True), product((1, 3, 5, 17), repeat=2)):
        if not transparent or color in TRANSPARENT:
            data = black_png(*size, color, depth, interlaced=interlaced, transparent=transparent)
            check(data, *size)


def test_a_lossless_jpeg_is_scaled_like_any_other_picture() -> None:
    image = photo(200, 150)
    small = decode_content(lossless_jpeg(image), 20, LIMITS).picture
    assert np.abs(small.astype(int) - decode_content(saved(image), 20, LIMITS).picture).max() <= 1
