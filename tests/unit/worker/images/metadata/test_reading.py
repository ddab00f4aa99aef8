"""The notes of whole files: of every format, and of files that are built to do harm."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pillow_heif import from_pillow

from shared.wire.records import JobWarning
from tests.files.noted_photos import EDITED, SECRETS, exif, iptc, with_iptc, xmp
from tests.files.pictures import LIMITS, photo, saved
from worker.images.belongings import Keep
from worker.images.codec import decode_content
from worker.images.metadata.exif_reading import read_exif
from worker.images.metadata.fields import MAX_KEYWORDS, Metadata, Value
from worker.images.metadata.reading import CODE, MAX_BYTES, read_metadata
from worker.images.metadata.writing import written_exif, written_xmp
from worker.images.metadata.xmp_reading import read_xmp

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest undoes the worker's own filter

PHOTO = photo(96, 64)


def heic(**options: Any) -> bytes:
    file = io.BytesIO()
    from_pillow(PHOTO).save(file, quality=90, **options)
    return file.getvalue()


def notes(data: bytes, keep: Keep = Keep.METADATA) -> tuple[Metadata, tuple[JobWarning, ...]]:
    decoded = decode_content(data, 64, LIMITS, keep=keep)
    assert decoded.belongings.metadata is not None
    return decoded.belongings.metadata, decoded.warnings


def with_exif(data: bytes) -> bytes:
    """Return a JPEG file with EXIF data of any size, in as many segments as that takes."""
    jpeg, segments = saved(PHOTO, "JPEG"), b""
    for start in range(0, len(data), 65_000):
        content = b"Exif\0\0" + data[start : start + 65_000]
        segments += b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content
    return jpeg[:2] + segments + jpeg[2:]


def png_with_xmp() -> bytes:
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", EDITED.decode(), zip=True)
    return saved(PHOTO, "PNG", exif=exif(), pnginfo=texts)


def tiff_with_xmp() -> bytes:
    tags = Image.Exif()
    tags.load(exif().tobytes())  # only from data of a file does Pillow write the inner directories
    tags[700] = EDITED
    return saved(PHOTO, "TIFF", exif=tags)


FILES = {
    "JPEG": lambda: saved(PHOTO, "JPEG", exif=exif(), xmp=EDITED),
    "progressive JPEG": lambda: saved(PHOTO, "JPEG", exif=exif(), xmp=EDITED, progressive=True),
    "PNG": png_with_xmp,
    "WebP": lambda: saved(PHOTO, "WEBP", exif=exif().tobytes(), xmp=EDITED),
    "TIFF": tiff_with_xmp,
    "AVIF": lambda: saved(PHOTO, "AVIF", exif=exif().tobytes(), xmp=EDITED),
    "HEIC": lambda: heic(exif=exif().tobytes(), xmp=EDITED),
}


@pytest.mark.parametrize("kind", FILES)
def test_notes_of_every_format_are_read(kind: str) -> None:
    metadata, warnings = notes(FILES[kind](), Keep.METADATA | Keep.PLACE)
    assert metadata.exif["Make"] == "Kodak"
    assert metadata.exif["PhotographicSensitivity"] == 400
    assert metadata.exif["DateTimeOriginal"] == "2026:01:31 12:29:59"
    assert metadata.exif["GPSLatitude"] == ((48, 1), (8, 1), (378, 25))
    assert (metadata.title, metadata.creators) == ("Fish & chips", ("Zoë", "Yan"))
    assert metadata.keywords == ("sea", "salt")
    assert metadata.created == "2026-01-31T12:29:59+01:00"
    assert not any(secret in metadata.model_dump_json() for secret in SECRETS)
    assert warnings == ()


def test_the_place_is_left_out_unless_it_is_wanted() -> None:
    metadata, _ = notes(FILES["JPEG"]())
    assert not [name for name in metadata.exif if name.startswith("GPS")]


def test_xmp_goes_before_the_older_format() -> None:
    older = iptc((80, b"Somebody"), (116, b"(c) Anna"), (55, b"20260131"))
    metadata, _ = notes(with_iptc(saved(PHOTO, "JPEG", xmp=EDITED), older))
    assert (metadata.creators, metadata.rights) == (("Zoë", "Yan"), "(c) Anna")
    metadata, _ = notes(with_iptc(saved(PHOTO, "JPEG"), older))
    assert (metadata.creators, metadata.created) == (("Somebody",), "2026-01-31")


def test_the_older_format_is_read_from_tiff() -> None:
    data = saved(PHOTO, "TIFF", tiffinfo={33723: iptc((80, b"Anna"))})
    assert notes(data)[0].creators == ("Anna",)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_file_without_notes_has_none(format: str) -> None:
    metadata, warnings = notes(saved(PHOTO, format))
    assert (metadata, warnings) == (Metadata(), ())


def test_nothing_is_read_unless_it_is_wanted() -> None:
    decoded = decode_content(with_exif(b"II*\0" + b"\xff" * 100), 64, LIMITS)
    assert (decoded.belongings.metadata, decoded.warnings) == (None, ())


ITEMS = "".join(f"<rdf:li>k{n}</rdf:li>" for n in range(51))
WHOLE = (exif().tobytes(), EDITED, iptc((80, b"Anna"), (55, b"20260131"), (25, b"sea")))
CHANGES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1_000), st.integers(0, 255)), min_size=1, max_size=20
)


def in_lowest_terms(exif: dict[str, Value]) -> dict[str, object]:
    """Return the values, with ratios as numbers, because Pillow reduces them."""
    return {
        name: [Fraction(*ratio) for ratio in value] if isinstance(value, tuple) else value
        for name, value in exif.items()
    }


@given(CHANGES)
def test_no_change_of_a_byte_makes_notes_that_are_not_allowed(changes: list[tuple[int, int, int]]) -> None:
    parts = [bytearray(part) for part in WHOLE]
    for part, position, value in changes:
        parts[part][position % len(parts[part])] = value
    file = Image.new("RGB", (8, 8))
    file.info = {"exif": bytes(parts[0]), "xmp": bytes(parts[1]), "photoshop": {0x0404: bytes(parts[2])}}
    metadata, _ = read_metadata(file, b"", place=True)
    assert Metadata.model_validate_json(metadata.model_dump_json(exclude_defaults=True)) == metadata
    assert read_xmp(written_xmp(metadata)).get("keywords", []) == list(metadata.keywords)
    assert in_lowest_terms(read_exif(written_exif(metadata), place=True)) == in_lowest_terms(metadata.exif)


TIFF = b"II*\0\x08\0\0\0"
HOSTILE = {
    "10 MB of EXIF": (with_exif(TIFF + bytes(10_000_000)), f"the limit is {MAX_BYTES:,}"),
    "broken EXIF": (with_exif(b"II*\0\xff\xff\xff\xff"), "the EXIF data is damaged"),
    "values that overlap": (
        with_exif(TIFF + b"\xf4\x01" + b"\x3b\x01\x02\0\x30\x75\0\0\0\0\0\0" * 500 + bytes(20_000)),
        "the EXIF data is damaged",
    ),
    "a long name": (saved(PHOTO, "JPEG", exif=exif(Artist="x" * 1_001)), "Artist has more than 1,000"),
    "broken XMP": (saved(PHOTO, "JPEG", xmp=EDITED[:300]), "the XMP data is damaged"),
    "an XMP bomb": (
        saved(PHOTO, "JPEG", xmp=xmp("&a;", head="<!DOCTYPE x [<!ENTITY a 'aaaa'>]>")),
        "the XMP data is damaged",
    ),
    "many keywords": (
        saved(PHOTO, "JPEG", xmp=xmp(f"<dc:subject>{ITEMS}</dc:subject>")),
        f"keywords has more than {MAX_KEYWORDS} items",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_damaged_or_too_large_is_left_out_with_a_warning(kind: str) -> None:
    data, reason = HOSTILE[kind]
    metadata, (warning,) = notes(data)
    assert warning.code == CODE
    assert warning.detail.startswith("Not kept: ")
    assert reason in warning.detail
    assert "Artist" not in metadata.exif
    assert len(metadata.keywords) <= MAX_KEYWORDS
