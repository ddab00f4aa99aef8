"""Pictures that are worked through in parts are as in one piece, without a seam."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from worker.painting import rows
from worker.painting.rows import blended, parts, scaled, scaled_rows

RANDOM = np.random.default_rng(4)


@pytest.fixture(autouse=True)
def _few_pixels_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PIXELS_AT_ONCE", 700)


@pytest.mark.parametrize("shape", [(200, 90), (50, 30), (101, 61), (133, 77), (7, 300)])
def test_rows_of_a_scaled_channel_are_those_of_the_whole(shape: tuple[int, int]) -> None:
    channel = RANDOM.integers(0, 256, (100, 60), np.uint8)
    whole = Image.fromarray(channel.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC)
    found = np.concatenate([scaled_rows(channel, shape, part) for part in parts(shape)])
    assert len(list(parts(shape))) > 1
    assert np.abs(found - np.asarray(whole)).max() < 0.01


def test_a_scaled_picture_has_its_colors_and_one_of_the_same_shape_is_not_copied() -> None:
    picture = np.broadcast_to(np.array([250, 100, 3], np.uint8), (40, 60, 3))
    assert (scaled(picture, (90, 120)) == [250, 100, 3]).all()
    assert scaled(picture, (40, 60)) is picture


def test_parts_of_a_picture_that_is_scaled_down_read_no_more_at_once_than_others() -> None:
    assert [part.stop - part.start for part in parts((10, 10), (100, 70))] == [1] * 10
    assert [part.stop - part.start for part in parts((10, 10), (20, 20))] == [10]


def test_a_blend_has_the_share_of_each() -> None:
    one, other = (np.full((90, 40, 3), value, np.uint8) for value in (100, 200))
    assert (blended(one, other, 0.3) == 130).all()
