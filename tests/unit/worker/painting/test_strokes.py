from __future__ import annotations

from itertools import count

import numpy as np
from PIL import Image

from shared.wire.params import Params
from tests.files.pictures import photo
from worker.images.arrays import Picture
from worker.painting.strokes import paint_in_octaves

STROKE = 16  # pixels


def paint(picture: Picture) -> Picture:
    """Paint squares of a fixed number of pixels."""
    small = Image.fromarray(picture).reduce(STROKE)
    return np.asarray(small.resize(picture.shape[1::-1], Image.Resampling.NEAREST))


def test_the_result_scaled_down_is_the_small_painting_and_its_edges_are_sharper_than_that_enlarged() -> None:
    photograph = np.asarray(photo(512, 384, detail=True))
    sides = Params(stroke_side=128).sides_of_passes(512)
    assert sides == [128, 256, 512]
    small = paint(np.asarray(Image.fromarray(photograph).resize((128, 96), Image.Resampling.BICUBIC)))
    found = paint_in_octaves(paint, photograph, sides)
    assert found.shape == photograph.shape
    reduced = Image.fromarray(found).resize((128, 96), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(reduced).astype(int) - small).mean() < 6
    enlarged = np.asarray(Image.fromarray(small).resize((512, 384), Image.Resampling.BICUBIC))
    assert (
        np.abs(np.diff(found.astype(int), axis=1)).max() > np.abs(np.diff(enlarged.astype(int), axis=1)).max()
    )


def test_areas_keep_the_colors_of_the_small_painting_whatever_later_passes_do() -> None:
    photograph = np.asarray(photo(512, 384))
    passes = count()

    def darker_each_time(picture: Picture) -> Picture:
        return np.asarray(picture - np.minimum(picture, 60 * next(passes)), np.uint8)

    found = paint_in_octaves(darker_each_time, photograph, [128, 256, 512])
    areas = [np.asarray(Image.fromarray(each).resize((32, 24))).astype(int) for each in (found, photograph)]
    inner = np.abs(areas[0] - areas[1])[2:-2, 2:-2]
    assert inner.mean() < 2


def test_a_picture_with_one_pass_is_painted_as_it_is() -> None:
    photograph = np.asarray(photo(100, 75))
    assert Params(stroke_side=128).sides_of_passes(100) == [100]
    assert np.array_equal(paint_in_octaves(paint, photograph, [100]), paint(photograph))
