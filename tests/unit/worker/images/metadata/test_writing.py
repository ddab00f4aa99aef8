"""Notes written into a result, and read again by Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from shared.wire.descriptors import Output
from worker.images.belongings import Belongings
from worker.images.codec import encode
from worker.images.metadata.exif_reading import read_exif
from worker.images.metadata.fields import (
    IMAGE,
    MAX_CREATOR,
    MAX_CREATORS,
    MAX_DESCRIPTION,
    MAX_EXIF_TEXT,
    MAX_KEYWORD,
    MAX_KEYWORDS,
    MAX_NUMBER,
    MAX_PART,
    MAX_TEXT,
    TAGS,
    Metadata,
    Value,
)
from worker.images.metadata.writing import SOURCE_TYPE, written_exif, written_xmp
from worker.images.metadata.xmp_reading import read_xmp

FORMATS = ["jpeg", "png", "webp"]


def largest(letter: str) -> Metadata:
    """Return the notes whose files are largest: every member at its limit."""
    values: dict[str, Value] = {}
    for name, tag in TAGS.items():
        text = (letter if tag.directory == IMAGE else "x") * MAX_EXIF_TEXT
        number = 1 if name == "GPSAltitudeRef" else MAX_NUMBER
        ratios = ((MAX_PART, MAX_PART - 1),) * tag.count
        values[name] = {"text": text, "number": number, "ratios": ratios}[tag.kind]
    return Metadata(
        exif=values,
        title=letter * MAX_TEXT,
        description=letter * MAX_DESCRIPTION,
        rights=letter * MAX_TEXT,
        creators=(letter * MAX_CREATOR,) * MAX_CREATORS,
        keywords=(letter * MAX_KEYWORD,) * MAX_KEYWORDS,
        created="2026-01-31T12:30:00.123456789+01:00",
    )


def reopened(metadata: Metadata, format: Any) -> Image.Image:
    belongings = Belongings(metadata=metadata)
    data = encode(np.zeros((8, 8, 3), np.uint8), Output(format=format), belongings).data
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("letter", ["x", "&", "\N{FISH}"])
@pytest.mark.parametrize("format", FORMATS)
def test_notes_at_all_limits_fit_into_every_format_and_come_back(format: str, letter: str) -> None:
    metadata = largest(letter)
    file = reopened(metadata, format)
    assert read_exif(file.info["exif"], place=True) == metadata.exif
    found = read_xmp(file.info["xmp"])
    assert found["description"] == [metadata.description]
    assert found["keywords"] == list(metadata.keywords)
    assert found["created"] == [metadata.created]


@pytest.mark.parametrize("format", FORMATS)
def test_pillow_reads_what_is_written(format: str) -> None:
    metadata = Metadata(
        exif={"Make": "Kodak", "Artist": "Zoë", "ExposureTime": ((1, 250),), "GPSAltitudeRef": 1}
    )
    exif = reopened(metadata, format).getexif()
    assert exif[ExifTags.Base.Orientation] == 1
    assert exif[ExifTags.Base.Make] == "Kodak"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == 1 / 250
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifVersion] == b"0232"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitudeRef] == b"\1"


def test_empty_notes_still_say_that_the_picture_is_upright_and_altered() -> None:
    file = reopened(Metadata(), "jpeg")
    assert dict(file.getexif()) == {ExifTags.Base.Orientation: 1}
    xmp = file.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert xmp["DigitalSourceType"] == SOURCE_TYPE
    assert SOURCE_TYPE.endswith("/digitalsourcetype/algorithmicallyEnhanced")


def test_markup_in_a_text_stays_a_text() -> None:
    metadata = Metadata(title="</rdf:li><x/>&amp;\"'", keywords=("<!--",))
    assert read_xmp(written_xmp(metadata)) == {"title": [metadata.title], "keywords": ["<!--"]}


def test_texts_of_exif_are_utf_8() -> None:
    assert "Zoë".encode() + b"\0" in written_exif(Metadata(exif={"Artist": "Zoë"}))
