"""The files of cameras, phones, scanners and browsers: each is a picture, upright and in the right colors."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pillow_heif import register_heif_opener

from shared.errors import ImageUndecodable, PermanentError
from tests.files.pictures import decode, difference, photo, quarters, saved, swapped_profile

register_heif_opener()
PHOTO = photo(96, 64)
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def tiff_by_hand(samples: NDArray[Any], photometric: int, order: str = "<") -> bytes:
    """Return an uncompressed TIFF with these samples, whose depth and number of channels it has."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    pixels = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = samples.dtype.itemsize * 8
    values = {
        256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: channels, 278: height,
        279: len(pixels), 339: 3 if samples.dtype.kind == "f" else 1,
    }  # fmt: skip
    if channels > 1:
        del values[339]
    start = 8 + len(pixels)
    lists = start + 2 + 12 * len(values) + 4
    entries = b""
    for tag, value in values.items():
        if tag == 258 and channels > 2:
            entries += struct.pack(f"{order}HHII", tag, 3, channels, lists)
        else:
            entries += struct.pack(f"{order}HHII", tag, 4, 1, value)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}I", start) + pixels + struct.pack(f"{order}H", len(values))
    return head + entries + bytes(4) + struct.pack(f"{order}{channels}H", *[bits] * channels)


@pytest.mark.parametrize("format", FORMATS)
def test_every_accepted_format_is_decoded(format: str) -> None:
    assert difference(decode(saved(PHOTO, format)), PHOTO) < 6


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF"])
def test_a_turned_picture_comes_out_upright_once(orientation: int, format: str) -> None:
    upright = quarters().resize((96, 64))
    turn = TURNS[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if turn is None else upright.transpose(turn)
    picture = decode(saved(stored, format, quality=95, exif=exif.tobytes()), 48)
    assert picture.shape == (32, 48, 3)
    assert difference(picture, upright.resize((48, 32))) < 8


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_scan_of_16_bits_or_in_printing_colors_looks_like_the_photo(order: str) -> None:
    deep = np.asarray(PHOTO).astype(np.uint16) * 257
    green = np.asarray(PHOTO)[:, :, 1:2].repeat(3, 2)
    printed = np.dstack([255 - np.asarray(PHOTO), np.zeros((64, 96), np.uint8)])
    assert difference(decode(tiff_by_hand(deep, 2, order)), PHOTO) < 1
    assert difference(decode(tiff_by_hand(deep[:, :, 1], 1, order)), green) < 1
    assert difference(decode(tiff_by_hand(printed, 5, order)), PHOTO) < 2


def test_a_scan_in_which_zero_is_white_is_not_a_negative() -> None:
    deep = np.asarray(PHOTO)[:, :, 1].astype(np.uint16) * 257
    green = np.asarray(PHOTO)[:, :, 1:2].repeat(3, 2)
    assert difference(decode(tiff_by_hand(65_535 - deep, 0)), green) < 1


def test_floating_point_samples_are_named() -> None:
    values = np.zeros((64, 96), np.float32)
    with pytest.raises(ImageUndecodable, match="has samples of 32 bits; only integers of up to 16 bits"):
        decode(tiff_by_hand(values, 1))


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF", "WEBP", "PNG"])
def test_the_colors_of_a_profile_are_those_of_the_picture(format: str) -> None:
    red, green, blue = quarters().split()
    expected = Image.merge("RGB", (blue, green, red))
    picture = decode(saved(quarters(), format, quality=95, icc_profile=swapped_profile()))
    assert difference(picture, expected) < 12


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF", "WEBP", "PNG"])
def test_transparent_parts_lie_over_white(format: str) -> None:
    clear = PHOTO.copy()
    clear.putalpha(0)
    assert decode(saved(clear, format)).min() > 250


@pytest.mark.parametrize("format", ["HEIF", "TIFF"])
def test_a_file_with_several_pictures_is_the_first(format: str) -> None:
    second = Image.new("RGB", (64, 64), "red")
    data = saved(PHOTO, format, save_all=True, append_images=[second])
    assert difference(decode(data), PHOTO) < 4


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF", "BMP", "GIF"])
def test_a_file_that_breaks_off_is_refused(format: str) -> None:
    data = saved(PHOTO, format)
    for part in range(1, 18):
        with pytest.raises(ImageUndecodable):
            decode(data[: len(data) * part // 20])


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF", "BMP", "GIF"])
def test_a_damaged_file_is_decoded_or_refused(format: str) -> None:
    data = saved(photo(64, 48), format, icc_profile=swapped_profile())
    random = np.random.default_rng(1)
    for _ in range(100):
        damaged = bytearray(data)
        for at in random.integers(0, len(data), 4):
            damaged[at] = random.integers(0, 256)
        with suppress(PermanentError):
            assert decode(bytes(damaged)).shape[2] == 3
