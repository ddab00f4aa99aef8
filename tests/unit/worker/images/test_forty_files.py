"""A folder as cameras, phones and scanners fill it: each file is a picture, or is refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import PermanentError
from shared.policy.image_formats import content_type_of
from tests.files.pictures import LIMITS, photo, saved, swapped_profile
from tests.unit.worker.images.test_formats import FORMATS, TURNS, tiff_by_hand
from worker.images.codec import decode_content

PHOTO = photo(96, 64, detail=True)
DEEP = np.asarray(PHOTO).astype(np.uint16) * 257


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS[orientation]
    return saved(PHOTO if turn is None else PHOTO.transpose(turn), "JPEG", quality=95, exif=exif)


def moving(format: str) -> bytes:
    return saved(PHOTO, format, save_all=True, append_images=[PHOTO.rotate(180)], duration=100)


def with_alpha(format: str) -> bytes:
    picture = PHOTO.copy()
    picture.putalpha(255)
    return saved(picture, format)


def pictures() -> dict[str, bytes]:
    jpeg: dict[str, Any] = {"format": "JPEG", "quality": 95}
    return {
        **{f"photo.{format.lower()}": saved(PHOTO, format) for format in FORMATS},
        **{f"turned-{number}.jpg": turned(number) for number in TURNS},
        **{
            f"alpha.{format.lower()}": with_alpha(format)
            for format in ("PNG", "WEBP", "HEIF", "AVIF", "TIFF")
        },
        **{f"moving.{format.lower()}": moving(format) for format in ("GIF", "PNG", "WEBP", "AVIF")},
        "stereo.mpo": saved(PHOTO, "MPO", save_all=True, append_images=[PHOTO.rotate(180)], quality=95),
        "scan-16-bit.tif": tiff_by_hand(DEEP, 2),
        "scan-grey.tif": tiff_by_hand(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257, 1, ">"),
        "print.tif": saved(PHOTO.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "print.jpg": saved(PHOTO.convert("CMYK"), **jpeg),
        "progressive.jpg": saved(PHOTO, progressive=True, **jpeg),
        "grey.jpg": saved(PHOTO.convert("L"), **jpeg),
        "profile.jpg": saved(PHOTO, icc_profile=swapped_profile(), **jpeg),
        "palette.png": saved(PHOTO.quantize(64)),
    }


def others() -> dict[str, bytes]:
    return {
        "empty.jpg": b"",
        "notes.jpg": b"words\n" * 50,
        "clip.heic": b"\0\0\0\x20ftypqt  " + bytes(100),
        "page.png": b"<!doctype html>",
        "cut.heic": saved(PHOTO, "HEIF")[:-100],
        "cut.jpg": saved(PHOTO, "JPEG")[:600],
        "cut.tif": saved(PHOTO, "TIFF")[:9000],
    }


def test_the_folder_has_at_least_forty_files() -> None:
    assert len(pictures()) + len(others()) >= 40


@pytest.mark.parametrize("name", pictures())
def test_a_picture_looks_like_the_photo(name: str) -> None:
    data = pictures()[name]
    decoded = decode_content(data, 96, LIMITS)
    assert content_type_of(data) is not None
    assert decoded.picture.shape == (64, 96, 3)
    assert [warning.code for warning in decoded.warnings] == ["image-animated"] * name.startswith("moving")
    if name != "profile.jpg":
        brightness = [np.asarray(each).mean(2).ravel() for each in (PHOTO, decoded.picture)]
        assert np.corrcoef(*brightness)[0, 1] > 0.85  # grey scans and palettes have other brightness


@pytest.mark.parametrize("name", others())
def test_any_other_file_fails_with_its_reason(name: str) -> None:
    with pytest.raises(PermanentError) as refusal:
        decode_content(others()[name], 96, LIMITS)
    assert refusal.value.code == "image-undecodable"
    assert refusal.value.detail
