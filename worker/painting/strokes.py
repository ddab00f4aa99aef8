"""Paints large pictures with the strokes of a small one.

The model's strokes have a fixed size in pixels, so a large picture would get relatively fine ones. Here the
small picture is painted first. Then, octave by octave, the painting is enlarged, gets the photograph's detail
of that octave, and is painted again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.images.arrays import Picture
from worker.painting.rows import Shape, as_bytes, blended, parts, scaled, scaled_rows

# Chosen by eye, and by the figures of docs/18.
DETAIL = 1.0  # share of the photograph's detail that the enlarged painting gets
REPAINTED = 0.3  # share of the second painting; alone, it draws heavy outlines

Channel = NDArray[np.uint8]


def paint_in_octaves(
    paint: Callable[[Picture], Picture], photograph: Picture, sides: Sequence[int]
) -> Picture:
    """Return the painting in the photograph's shape.

    Args:
        paint: one pass of the model.
        sides: the longer side of each pass, from coarse to fine (`Params.sides_of_passes`). The last is the
            photograph's own.
    """
    coarse = scaled(photograph, _shape(photograph, sides[0]))
    painting = paint(coarse)
    for side in sides[1:]:
        fine = scaled(photograph, _shape(photograph, side))
        painting = _next_octave(paint, painting, coarse, fine)
        coarse = fine
    return painting


def _next_octave(
    paint: Callable[[Picture], Picture], painting: Picture, coarse: Picture, fine: Picture
) -> Picture:
    """Return the painting in the shape of `fine`, corrected so that scaled down it is the coarse painting.

    Uncorrected, each octave adds texture at all sizes.
    """
    sketch = _sketch(painting, coarse, fine)
    again = blended(sketch, paint(sketch), REPAINTED)
    del sketch
    for color in range(again.shape[2]):
        _correct(again[..., color], painting[..., color])
    return again


def _sketch(painting: Picture, coarse: Picture, fine: Picture) -> Picture:
    """Return the painting enlarged, with the photograph's detail that `fine` has and `coarse` has not."""
    sketch, shape = np.empty_like(fine), fine.shape[:2]
    for rows in parts(shape):
        for color in range(fine.shape[2]):
            detail = fine[rows, :, color] - scaled_rows(coarse[..., color], shape, rows)
            enlarged = scaled_rows(painting[..., color], shape, rows)
            sketch[rows, :, color] = as_bytes(enlarged + DETAIL * detail)
    return sketch


def _correct(fine: Channel, coarse: Channel) -> None:
    """Add to a channel what it lacks to be `coarse` when it is scaled down."""
    small, shape = coarse.shape, fine.shape
    lacking = np.empty(small, np.float32)
    for rows in parts(small):
        lacking[rows] = coarse[rows] - scaled_rows(fine, small, rows)
    for rows in parts(shape):
        fine[rows] = as_bytes(fine[rows] + scaled_rows(lacking, shape, rows))


def _shape(picture: Picture, side: int) -> Shape:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
