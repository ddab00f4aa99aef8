"""Thumbnails: their size, their colors, and results that need none."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.policy.object_keys import THUMBNAIL_ABOVE
from tests.files.pictures import photo
from worker.images.arrays import Alpha, Picture
from worker.jobs import thumbnails
from worker.jobs.thumbnails import SIDE, STRIP_PIXELS, drawn

CLOSE = 12  # of 255, after JPEG


def thumbnail(picture: Picture, alpha: Alpha | None = None) -> Picture:
    """Return the pixels of a picture's thumbnail."""
    drawing = drawn(picture, alpha)
    assert drawing is not None
    with Image.open(BytesIO(drawing.data)) as file:
        assert (file.format, file.mode, file.size) == ("JPEG", "RGB", (drawing.width, drawing.height))
        return np.array(file)


@pytest.mark.parametrize(("width", "height"), [(THUMBNAIL_ABOVE, THUMBNAIL_ABOVE), (1, 1)])
def test_a_small_result_needs_none(width: int, height: int) -> None:
    assert drawn(np.zeros((height, width, 3), np.uint8)) is None


@pytest.mark.parametrize("longest", [THUMBNAIL_ABOVE + 1, 799, 800, 1024, 1119, 1120, 2048, 3999])
def test_the_longest_side_is_about_320_and_the_aspect_stays(longest: int) -> None:
    wide, tall = np.zeros((longest // 2, longest, 3), np.uint8), np.zeros((longest, 5, 3), np.uint8)
    height, width, _ = thumbnail(wide).shape
    assert SIDE * 0.83 <= width <= SIDE * 1.26
    assert width / height == pytest.approx(2, rel=0.02)
    height, width, _ = thumbnail(tall).shape
    assert (SIDE * 0.83 <= height <= SIDE * 1.26, width in {1, 2, 3}) == (True, True)


def test_strips_of_a_huge_picture_make_the_same_thumbnail(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.array(photo(1500, 1100))
    whole = thumbnail(picture)
    monkeypatch.setattr(thumbnails, "STRIP_PIXELS", 1)
    assert picture.shape[0] * picture.shape[1] > STRIP_PIXELS
    assert np.array_equal(thumbnail(picture), whole)
    reduced = np.asarray(Image.fromarray(picture).reduce(5), np.int16)
    assert np.abs(reduced - whole).mean() < 2


def test_transparent_parts_lie_over_white() -> None:
    picture = np.full((800, 800, 3), (200, 0, 0), np.uint8)
    alpha = np.full((800, 800), 255, np.uint8)
    alpha[:, 400:] = 0
    alpha[400:, :400] = 128
    small = thumbnail(picture, alpha).astype(np.int16)
    middle, end = small.shape[0] // 4, 3 * small.shape[0] // 4
    for (row, column), color in {
        (middle, middle): (200, 0, 0),
        (end, middle): (227, 127, 127),
        (middle, end): (255, 255, 255),
    }.items():
        assert np.abs(small[row, column] - color).max() <= CLOSE
