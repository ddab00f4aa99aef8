"""Files refused before a pixel is decoded, and the sentence of each refusal."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import (
    ImageTooLarge,
    ImageTooNarrow,
    ImageTooSmall,
    ImageUndecodable,
    PermanentError,
    SourceTooLarge,
)
from shared.policy.image_formats import ACCEPTED
from shared.wire.params import Params
from tests.files.pictures import (
    BLUE,
    GREEN,
    LIMITS,
    RED,
    chunk,
    decode,
    difference,
    photo,
    png,
    quarters,
    saved,
)
from worker.images.codec import decode_content
from worker.images.headers import ImageLimits

ONLY = f"only {ACCEPTED} images are accepted"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest undoes the worker's own filter


# --- limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error", "detail"),
    [
        (
            png(50_000, 50_000),
            ImageTooLarge,
            "The image has 50,000 x 50,000 = 2,500,000,000 pixels; the limit is 200,000,000 (max_pixels)",
        ),
        (
            png(20_000, 1_000),
            ImageTooLarge,
            "The longer side of the image (20,000 x 1,000) has 20,000 pixels; "
            "the limit is 16,384 (max_image_side)",
        ),
        (
            saved(Image.new("RGB", (1, 1))),
            ImageTooSmall,
            "The shorter side of the image (1 x 1) has 1 pixels; the least is 16 (min_image_side)",
        ),
        (
            saved(Image.new("RGB", (16, 336)), "JPEG"),
            ImageTooNarrow,
            "The longer side of the image (16 x 336) is 21 times its shorter one; "
            "the limit is 20 (max_aspect_ratio)",
        ),
        (
            bytes(100_000_001),
            SourceTooLarge,
            "The file has 100,000,001 bytes; the limit is 100,000,000 (max_upload_bytes)",
        ),
        (
            b"",
            ImageUndecodable,
            f"The file is empty; {ONLY}",
        ),
        (
            bytes(20_000_000),
            ImageUndecodable,
            f"The file is not an image; {ONLY}",
        ),
        (
            b"\0\0\0\x20ftypisom",
            ImageUndecodable,
            f"The file is a video; {ONLY}",
        ),
        (
            b"<!doctype html><title>Not found</title>",
            ImageUndecodable,
            f"The file is HTML or XML; {ONLY}",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_refusal_names_the_value_and_the_limit(
    data: bytes, error: type[PermanentError], detail: str
) -> None:
    with pytest.raises(error) as refusal:
        decode_content(data, 256, LIMITS)
    assert refusal.value.detail == detail


def test_a_picture_exactly_at_the_limits_is_taken() -> None:
    limits = ImageLimits(10_000_000, 320 * 16, 320, 16, 20)
    assert decode_content(saved(Image.new("L", (320, 16))), 4096, limits).picture.shape == (16, 320, 3)


def vp8x(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sizes


def with_jpeg_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize(
    "data",
    [
        png(50_000, 50_000),
        png(2**31 - 1, 2**31 - 1),
        with_jpeg_size(saved(quarters(), "JPEG"), 65_535, 65_535),
        vp8x(16_777_216, 255),
        b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f\xff\xff\xff\xff" + bytes(20),
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(20),
    ],
    ids=["png", "png-2-gig", "jpeg", "vp8x", "vp8l", "vp8"],
)
def test_a_huge_picture_is_refused_by_its_header_without_memory_for_it(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageTooLarge):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [(16, 16), (40, 30), (383, 17)])
@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 80}, {"quality": 80, "exif": b"Exif\0\0x"}]
)
def test_the_size_in_a_webp_header_is_read_right(size: tuple[int, int], options: dict[str, Any]) -> None:
    data = saved(photo(*size), "WEBP", **options)
    exact = ImageLimits(10**6, size[0] * size[1], max(size), min(size), 30)
    assert decode_content(data, 4096, exact).picture.shape == (size[1], size[0], 3)


# --- animation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "AVIF"])
def test_an_animation_is_its_first_frame_with_a_warning(format: str) -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in (RED, GREEN, BLUE)]
    decoded = decode_content(
        saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100), 64, LIMITS
    )
    assert difference(decoded.picture, frames[0]) < 2
    assert [warning.code for warning in decoded.warnings] == ["image-animated"]
    assert decode_content(saved(frames[0], format), 64, LIMITS).warnings == ()


def test_a_jpeg_with_more_pictures_behind_the_first_is_the_first() -> None:
    data = saved(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))], quality=95)
    assert difference(decode(data), quarters()) < 6


# --- hostile files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text and not a picture, whatever its name says.jpg",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8 ",
        png(100, 100),
        png(100, 100, pixels=b"\0" * 50),
        png(100, 100, pixels=b"\0" * 50_000, depth=3),
        png(100, 100, pixels=b"\0" * 50_000, color=5),
        b"\xff\xd8\xff" + bytes(1000),
        b"BM" + bytes(200),
        b"II*\0\xff\0\0\0" + bytes(100),
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\0\0\0\x18ftypheic" + bytes(100),
    ],
)
def test_a_file_that_is_no_image_is_undecodable(data: bytes) -> None:
    with pytest.raises(ImageUndecodable):
        decode(data)


def test_a_second_header_with_another_size_does_not_get_past_the_first() -> None:
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 6000, 8, 2, 0, 0, 0))
    with pytest.raises(ImageUndecodable, match="two different sizes"):
        decode(png(64, 64, second, pixels=bytes(100)))


def progressive_jpeg_with_scans(extra: int) -> bytes:
    data = saved(photo(64, 64), "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last_scan * extra + data[-2:]


@pytest.mark.parametrize(
    "data",
    [
        progressive_jpeg_with_scans(200),
        b"\xff\xd8" + b"\xff\xe5\x00\x02" * 10_000 + saved(quarters(), "JPEG")[2:],
        b"\xff\xd8" + b"\xff\xd9" * 10_000 + saved(quarters(), "JPEG")[2:],
        b"\xff\xd8" + b"\xff" * 100_000 + saved(quarters(), "JPEG")[2:],
        b"\xff\xd8" + (b"\xff\xe5\x00\x02" + b"\xff" * 1_000) * 100 + saved(quarters(), "JPEG")[2:],
        b"\xff\xd8\xff\xfe\x00\x04ab" + bytes(100_000) + saved(quarters(), "JPEG")[2:],
        png(64, 64, chunk(b"teSt", b"") * 60_000),
    ],
    ids=["scans", "segments", "ends", "padding", "padding-in-pieces", "junk", "chunks"],
)
def test_a_file_built_to_keep_the_decoder_busy_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUndecodable, match="has more than"):
        decode(data)


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}])
def test_ordinary_jpegs_of_all_kinds_are_not_taken_for_hostile_ones(options: dict[str, Any]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x010E] = "x" * 30_000
    data = saved(
        Image.fromarray(noise), "JPEG", quality=97, exif=exif, icc_profile=bytes(1_000_000), **options
    )
    motion = np.random.default_rng(4).bytes(3_000_000)  # phones append a film to a photo
    assert decode(data + motion).shape == (600, 800, 3)
    assert decode(progressive_jpeg_with_scans(20)).shape == (64, 64, 3)


def test_a_jpeg_with_more_bits_than_the_decoder_reads_is_named_as_such() -> None:
    data = bytearray(saved(quarters(), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(
        ImageUndecodable, match=r"^The JPEG file has 12 bits per sample; only files with 8 are accepted$"
    ):
        decode(bytes(data))


# --- pictures that are decoded scaled down -------------------------------------------------------------


def test_a_jpeg_counts_with_the_pixels_that_are_decoded() -> None:
    data = saved(photo(800, 600), "JPEG")
    quarter = replace(LIMITS, max_pixels=150 * 200 * 4, max_image_side=400)
    admitted: list[tuple[int, int]] = []
    decoded = decode_content(data, 100, quarter, admitted.append)
    assert (decoded.picture.shape, decoded.source_size, admitted) == ((75, 100, 3), (800, 600), [(200, 150)])
    with pytest.raises(ImageTooLarge, match="800 x 600 = 480,000 pixels"):
        decode_content(data, 800, quarter)


@pytest.mark.parametrize("options", [{"progressive": True}, {}], ids=["progressive", "cut off"])
def test_a_jpeg_that_needs_memory_for_all_of_its_pixels_counts_with_them(options: dict[str, Any]) -> None:
    data = saved(photo(800, 600), "JPEG", **options)
    with pytest.raises(ImageTooLarge):
        decode_content(data if options else data[:-2], 100, replace(LIMITS, max_pixels=200_000))


def test_a_jpeg_far_beyond_the_limit_is_refused_at_any_scale() -> None:
    data = saved(photo(800, 600), "JPEG")
    with pytest.raises(ImageTooLarge):
        decode_content(data, 50, replace(LIMITS, max_pixels=100_000))


def test_a_picture_at_its_own_size_comes_back_pixel_by_pixel() -> None:
    image = photo(640, 480, detail=True)
    decoded = decode_content(saved(image), Params(max_side="original").longest_side, LIMITS)
    assert np.array_equal(decoded.picture, np.asarray(image))
    assert decoded.source_size == (640, 480)
