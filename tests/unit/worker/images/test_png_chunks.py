"""PNG files with much beside their pixels."""

from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import ImageCms

from tests.files.pictures import BLUE, LIMITS, RED, chunk, decode, difference, png, swapped_profile
from worker.images.codec import decode_content
from worker.images.png_chunks import MAX_INFLATED_BYTES, picture_chunks

SIDE = 64
RED_ROWS = (b"\0" + bytes(RED) * SIDE) * SIDE
LARGE = MAX_INFLATED_BYTES + 1


def red(*chunks: bytes) -> bytes:
    """Return a red square with these chunks before its pixels."""
    return png(SIDE, SIDE, *chunks, pixels=RED_ROWS)


def profile(content: bytes) -> bytes:
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(content, 9))


def itxt(key: bytes, text: bytes, *, packed: bool = False) -> bytes:
    body = zlib.compress(text, 9) if packed else text
    return chunk(b"iTXt", key + (b"\0\1\0\0\0" if packed else b"\0\0\0\0\0") + body)


def xmp(orientation: int, margin: int = 0) -> bytes:
    text = f'<x tiff:Orientation="{orientation}"/>'.encode() + b" " * margin
    return itxt(b"XML:com.adobe.xmp", text)


@pytest.mark.parametrize(
    "large",
    [
        chunk(b"tEXt", b"name\0" + b"x" * LARGE),
        chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(LARGE), 9)),
        itxt(b"name", bytes(LARGE), packed=True),
        itxt(b"name", b"x" * LARGE),
        profile(bytes(LARGE)),
        chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(200_000_000), 9)),
        profile(bytes(200_000_000)),
        chunk(b"prVt", bytes(LARGE)),
        chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(MAX_INFLATED_BYTES - 1), 9)) * 30,
    ],
    ids=["tEXt", "zTXt", "iTXt", "plain-iTXt", "iCCP", "zTXt-bomb", "iCCP-bomb", "private", "many"],
)
def test_a_chunk_that_the_pixels_do_not_need_may_be_of_any_size(large: bytes) -> None:
    tracemalloc.start()
    try:
        decoded = decode_content(red(large), 256, LIMITS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert difference(decoded.picture, np.full((SIDE, SIDE, 3), RED)) == 0
    assert decoded.warnings == ()
    assert peak < 3 * len(large) + 10 * MAX_INFLATED_BYTES


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"tEXt", b"name\0text")[:-1] + b"?",
        chunk(b"eXIf", b"II*\0")[:-1] + b"?",
        chunk(b"zTXt", b"name\0\7" + zlib.compress(b"an unknown method")),
        chunk(b"zTXt", b"name\0\0not deflated"),
        chunk(b"iCCP", b"name\0\7" + zlib.compress(b"an unknown method")),
        chunk(b"gAMA", b"1"),
        chunk(b"pHYs", b""),
        b"\0\0\0\0\0\1\2\3" + bytes(4),
    ],
)
def test_a_broken_chunk_that_the_pixels_do_not_need_is_left_out(broken: bytes) -> None:
    assert difference(decode(red(broken)), np.full((SIDE, SIDE, 3), RED)) == 0


def test_a_profile_counts_whatever_texts_are_before_it() -> None:
    text = chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(LARGE), 9))
    assert difference(decode(red(text, profile(swapped_profile()))), np.full((SIDE, SIDE, 3), BLUE)) < 6


def test_a_large_profile_leaves_the_colors_as_they_are() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(red(profile(srgb + bytes(LARGE))))
    assert difference(picture, np.full((SIDE, SIDE, 3), RED)) == 0


@pytest.mark.parametrize(("margin", "turned"), [(0, True), (1_000_000, True), (LARGE, False)])
def test_a_text_that_tells_the_orientation_counts_unless_it_is_large(margin: int, turned: bool) -> None:
    rows = (b"\0" + bytes(RED) * 2) * 1 + (b"\0" + bytes(BLUE) * 2) * 1
    data = png(2, 2, xmp(3, margin), pixels=rows)
    limits = LIMITS.__class__(10**8, 100, 100, 1, 100)
    assert tuple(decode_content(data, 256, limits).picture[0, 0]) == (BLUE if turned else RED)


def test_the_inflating_of_a_file_is_bounded_whatever_its_number_of_chunks() -> None:
    """Each of 500 chunks would inflate to the bound alone."""
    bomb = chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(MAX_INFLATED_BYTES), 9))
    kept, has_end = picture_chunks(red(bomb * 500))
    assert has_end
    assert kept.count(b"zTXt") == 1
