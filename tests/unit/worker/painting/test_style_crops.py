from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from worker.painting.style_crops import MOST_TILES, crops

COLORS = ("red", "lime", "blue")


def striped(width: int, height: int) -> Image.Image:
    """Return a picture with three vertical stripes of COLORS."""
    stripes = Image.new("RGB", (3, 1))
    for place, color in enumerate(COLORS):
        stripes.putpixel((place, 0), Image.new("RGB", (1, 1), color).getpixel((0, 0)))  # type: ignore[arg-type]
    return stripes.resize((width, height), Image.Resampling.NEAREST)


def middles(picture: Image.Image, crop: str) -> list[list[int]]:
    return [found[16, 16].tolist() for found in crops(np.asarray(picture), 32, crop)]


def test_tiles_show_a_wide_or_a_high_picture_from_end_to_end_and_the_center_only_its_middle() -> None:
    red, lime, blue = [255, 0, 0], [0, 255, 0], [0, 0, 255]
    wide = striped(96, 32)
    assert middles(wide, "tiles") == [red, lime, blue]
    assert middles(wide.transpose(Image.Transpose.ROTATE_270), "tiles") == [red, lime, blue]
    assert middles(wide, "center") == [lime]


def test_fit_is_the_whole_picture_in_its_aspect() -> None:
    (found,) = crops(np.asarray(striped(96, 32)), 48, "fit")
    assert found.shape == (16, 48, 3)
    assert found[8, [8, 24, 40]].argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("width", "count"), [(32, 1), (48, 1), (50, 2), (64, 2), (96, 3), (640, MOST_TILES)])
def test_the_number_of_tiles_follows_the_aspect(width: int, count: int) -> None:
    tiles = crops(np.asarray(striped(width, 32)), 64, "tiles")
    assert [tile.shape for tile in tiles] == [(64, 64, 3)] * count
