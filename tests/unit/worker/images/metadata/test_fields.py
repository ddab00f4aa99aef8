"""The limits of the notes that a decoder may send."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from worker.images.metadata.fields import Metadata

GOOD: dict[str, Any] = {
    "exif": {"Make": "Kodak", "PhotographicSensitivity": 400, "GPSLatitude": ((48, 1), (8, 1), (0, 1))},
    "title": "A\nB",
    "keywords": ("sea",),
    "created": "2026-01-31T12:30",
}


def test_notes_travel_as_json() -> None:
    metadata = Metadata(**GOOD)
    assert Metadata.model_validate_json(metadata.model_dump_json(exclude_defaults=True)) == metadata


@pytest.mark.parametrize(
    "wrong",
    [
        {"exif": {"MakerNote": "x"}},
        {"exif": {"Make": 5}},
        {"exif": {"Make": ""}},
        {"exif": {"Make": "x" * 1_001}},
        {"exif": {"LensModel": "Zoë"}},  # not ASCII, which is all that the standard allows here
        {"exif": {"PhotographicSensitivity": 65_536}},
        {"exif": {"GPSAltitudeRef": 2}},
        {"exif": {"GPSLatitude": ((48, 1),)}},
        {"exif": {"ExposureTime": ((1, 0),)}},
        {"title": "x" * 501},
        {"title": "\x1b[2J"},
        {"title": "\ufffe"},
        {"description": "x" * 2_001},
        {"creators": ("x",) * 11},
        {"keywords": ("x",) * 51},
        {"keywords": ("x" * 65,)},
        {"created": "yesterday"},
        {"software": "x"},
    ],
)
def test_notes_beyond_the_list_or_its_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Metadata.model_validate(wrong)
