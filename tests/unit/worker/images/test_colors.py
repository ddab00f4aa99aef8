"""Alpha, palettes, CMYK, 16 bits and color profiles become sRGB; brightness and color of two pictures."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.files.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    chunk,
    decode,
    difference,
    photo,
    png,
    quarters,
    saved,
    swapped_profile,
)
from worker.images.colors import keep_luminance

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest undoes the worker's own filter


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_transparent_pixels_lie_over_white(format: str) -> None:
    image = Image.new("RGBA", (64, 64), (*RED, 0))
    image.paste((*RED, 255), (0, 0, 32, 64))
    image.paste((*RED, 128), (32, 0, 64, 32))
    picture = decode(saved(image, format, lossless=True))
    assert tuple(picture[10, 10]) == RED
    assert tuple(picture[10, 50]) == (255, 127, 127)
    assert tuple(picture[50, 50]) == WHITE


def test_scaling_does_not_bleed_the_color_of_what_is_transparent() -> None:
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    image.paste((*WHITE, 255), (100, 100, 300, 300))
    assert decode(saved(image), 40).min() >= 254


def test_greyscale_with_alpha_lies_over_white() -> None:
    image = Image.new("LA", (64, 64), (0, 255))
    image.paste((0, 0), (32, 0, 64, 64))
    picture = decode(saved(image))
    assert (tuple(picture[5, 5]), tuple(picture[5, 60])) == ((0, 0, 0), WHITE)


@pytest.mark.parametrize("transparency", [1, bytes([255, 0]), bytes([255, 0, 128])])
def test_a_palette_with_transparency_lies_over_white(transparency: int | bytes) -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([*RED, *BLUE, *GREEN])
    image.paste(1, (32, 0, 64, 64))
    picture = decode(saved(image, transparency=transparency))
    assert (tuple(picture[5, 5]), tuple(picture[5, 60])) == (RED, WHITE)


@pytest.mark.parametrize(
    ("mode", "key", "here", "there"),
    [("L", 0, 0, (90,) * 3), ("1", 0, 0, WHITE), ("RGB", RED, RED, BLUE)],
)
def test_a_transparent_color_becomes_white(mode: str, key: Any, here: Any, there: tuple[int, ...]) -> None:
    image = Image.new(mode, (64, 64), there if mode == "RGB" else there[0])
    image.paste(here, (0, 0, 32, 64))
    picture = decode(saved(image, transparency=key))
    assert tuple(picture[5, 5]) == WHITE
    assert tuple(picture[5, 60]) == there


def test_a_transparent_grey_of_16_bits_becomes_white() -> None:
    values = np.full((64, 64), 257 * 90, np.uint16)
    values[:, :32] = 300
    picture = decode(saved(Image.fromarray(values), transparency=300))
    assert (tuple(picture[5, 5]), tuple(picture[5, 60])) == (WHITE, (90, 90, 90))


def test_a_transparent_color_of_16_bits_per_channel_does_no_harm() -> None:
    row = b"\0" + struct.pack(">3H", 65535, 0, 0) * 32
    data = png(32, 32, chunk(b"tRNS", struct.pack(">3H", 65535, 0, 0)), pixels=row * 32, depth=16)
    assert decode(data).shape == (32, 32, 3)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palettes_become_rgb(mode: str) -> None:
    image = quarters().convert(mode)
    assert difference(decode(saved(image)), image.convert("RGB")) == 0


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.linspace(0, 65535, 256).round().astype(np.uint16)
    picture = decode(saved(Image.fromarray(np.tile(values, (64, 1)))))
    assert picture[0, :, 0].tolist() == list(range(256))


def test_16_bit_color_is_scaled() -> None:
    row = b"\0" + struct.pack(">3H", 65535, 32768, 0) * 32
    assert tuple(decode(png(32, 32, pixels=row * 32, depth=16))[0, 0]) == (255, 128, 0)


@pytest.mark.parametrize("adobe", [True, False])
def test_a_cmyk_jpeg_shows_its_colors_and_not_their_negative(adobe: bool) -> None:
    image = quarters().convert("CMYK")
    data = saved(image, "JPEG", quality=95)
    at = data.index(b"\xff\xee")
    data = data if adobe else data[:at] + data[at + 16 :]
    assert (b"Adobe" in data) == adobe
    assert difference(decode(data), quarters()) < 6


# --- color profiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_color_profile_is_applied(format: str) -> None:
    data = saved(Image.new("RGB", (64, 64), RED), format, quality=95, icc_profile=swapped_profile())
    assert difference(decode(data), np.full((64, 64, 3), BLUE)) < 6


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(decode(saved(photo(64, 64), icc_profile=profile)), photo(64, 64)) < 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("space", [b"RGB ", b"GRAY", b"CMYK", b"Lab "])
def test_a_profile_of_another_color_space_does_no_harm(mode: str, space: bytes) -> None:
    profile = swapped_profile()
    lying = profile[:16] + space + profile[20:]
    picture = decode(saved(quarters().convert(mode), "JPEG", quality=95, icc_profile=lying))
    if space.strip().decode() != mode:
        assert difference(picture, quarters().convert(mode).convert("RGB")) < 6


@pytest.mark.parametrize(
    "profile", [b"nonsense", bytes(5_000), swapped_profile()[:200], swapped_profile() + bytes(10**7)]
)
def test_a_damaged_or_oversized_profile_is_ignored(profile: bytes) -> None:
    data = saved(quarters(), "WEBP", lossless=True, icc_profile=profile)
    assert difference(decode(data), quarters()) == 0


def test_a_profile_that_does_not_inflate_is_ignored() -> None:
    data = png(16, 16, chunk(b"iCCP", b"name\0\0nonsense"), pixels=(b"\0" + bytes(RED) * 16) * 16)
    assert difference(decode(data), np.full((16, 16, 3), RED)) == 0


# --- luminance ----------------------------------------------------------------------------------------------


def test_keeping_luminance_takes_brightness_from_one_and_color_from_the_other() -> None:
    content = np.asarray(photo(80, 60))
    grey = np.asarray(photo(80, 60).rotate(180).convert("L").convert("RGB"))
    kept = keep_luminance(grey, content)
    assert kept.shape == content.shape
    assert kept.dtype == np.uint8
    assert difference(keep_luminance(content, content), content) < 2
    flat = np.full((60, 80, 3), 128, np.uint8)
    colored = keep_luminance(flat, np.full((60, 80, 3), (140, 120, 128), np.uint8))
    assert difference(np.asarray(Image.fromarray(colored).convert("L")), flat[..., 0]) < 2
    assert int(colored[0, 0, 0]) - int(colored[0, 0, 1]) == pytest.approx(20, abs=2)


def test_keeping_luminance_needs_equal_shapes() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        keep_luminance(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
