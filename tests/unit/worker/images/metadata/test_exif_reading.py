"""EXIF data in, whitelisted values out."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from shared.errors import ImageUndecodable
from tests.files.noted_photos import SECRETS, exif
from worker.images.metadata.exif_reading import read_exif

HEAD = b"Exif\0\0II*\0\x08\0\0\0"


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def directory(*entries: bytes) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def test_listed_tags_are_read_and_no_others() -> None:
    found = read_exif(exif().tobytes(), place=False)
    assert found == {
        "Make": "Kodak",
        "Model": "Retina",
        "DateTime": "2026:01:31 12:30:00",
        "Artist": "Zoë",
        "Copyright": "© Zoë",
        "ExposureTime": ((1, 250),),
        "FNumber": ((14, 5),),
        "PhotographicSensitivity": 400,
        "DateTimeOriginal": "2026:01:31 12:29:59",
        "OffsetTimeOriginal": "+01:00",
        "LensModel": "Xenar 50 mm",
    }
    assert not any(secret in str(found) for secret in SECRETS)


def test_the_place_is_read_only_if_it_is_wanted() -> None:
    data = exif().tobytes()
    found = read_exif(data, place=True)
    place = {name: found[name] for name in found.keys() - read_exif(data, place=False)}
    assert place == {
        "GPSLatitudeRef": "N",
        "GPSLatitude": ((48, 1), (8, 1), (378, 25)),
        "GPSAltitudeRef": 1,
        "GPSAltitude": ((519, 1),),
    }


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_orders_of_bytes_are_read(order: str) -> None:
    data = Image.Exif()
    data.endian = order
    data[0x010F] = "Kodak"
    assert read_exif(data.tobytes(), place=True) == {"Make": "Kodak"}


def test_latin_1_is_read_and_control_characters_are_not() -> None:
    data = exif(Artist=b"Zo\xeb\x07\x1b[2J", Make=b"\x01 \x02").tobytes()
    found = read_exif(data, place=False)
    assert found["Artist"] == "Zoë[2J"
    assert "Make" not in found


@pytest.mark.parametrize(
    "one",
    [
        entry(0x010F, 3, 1, 5),  # a text that is a number
        entry(0x0132, 2, 0, 0),  # without a character
        entry(0x9999, 2, 4, 0),  # unknown
        entry(0x010F, 2, 2, 0x2020),  # blank
    ],
)
def test_values_of_other_types_are_left_out(one: bytes) -> None:
    assert read_exif(HEAD + directory(one), place=True) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"Exif\0\0",
        b"Exif\0\0" + bytes(100),
        HEAD,
        HEAD + b"\xff\xff",
        HEAD + directory(entry(0x8769, 4, 1, 0xFFFF_FFF0)),  # leads beyond the end
        exif().tobytes()[:40],
        HEAD + directory(*(entry(0x8800 + n, 2, 60_000, 0) for n in range(500))) + bytes(60_000),
    ],
)
def test_damaged_data_is_refused(data: bytes) -> None:
    with pytest.raises((struct.error, ImageUndecodable)):
        read_exif(data, place=True)


def test_a_directory_that_leads_to_itself_ends() -> None:
    data = HEAD + directory(entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8))
    assert read_exif(data, place=True) == {}


def test_a_number_above_the_limit_is_left_out() -> None:
    photo = directory(entry(0x8827, 4, 1, 65_536), entry(0x9209, 4, 1, 65_535))
    assert read_exif(HEAD + directory(entry(0x8769, 4, 1, 26)) + photo, place=False) == {"Flash": 65_535}


def test_a_ratio_without_a_denominator_is_left_out() -> None:
    photo = directory(entry(0x829A, 5, 1, 44))
    data = HEAD + directory(entry(0x8769, 4, 1, 26)) + photo + struct.pack("<II", 1, 0)
    assert read_exif(data, place=False) == {}
    data = data[:-4] + struct.pack("<I", 60)
    assert read_exif(data, place=False) == {"ExposureTime": ((1, 60),)}
