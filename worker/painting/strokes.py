"""Paints large pictures with the strokes of a small one.

The model's strokes have a fixed size in pixels, so a large picture would get relatively fine ones. Here the
small picture is painted first. Then, octave by octave, the painting is enlarged and painted again, gets the
photograph's detail of that octave, and is drawn back to the coarser painting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.images.arrays import Picture, fitted
from worker.painting.rows import Shape, as_bytes, blended, parts, scaled, scaled_rows

# Chosen by eye, and by the figures of docs/18.
DETAIL = 1.5  # share of the photograph's detail that the painting gets
REPAINTED = 0.4  # share of the second painting in the first octave; alone, it draws heavy outlines
FREED = 0.2  # share of the strokes' change that the first octave keeps, so that their edges get sharp
WEAKER = 0.5  # factor of the last two shares from one octave to the next
TONES = 4  # pixels of the coarser painting; colors of areas above this size are kept wholly

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
    coarse = scaled(photograph, fitted(photograph.shape[:2], sides[0]))
    painting = paint(coarse)
    for octave, side in enumerate(sides[1:]):
        fine = scaled(photograph, fitted(photograph.shape[:2], side))
        painting = _next_octave(paint, painting, coarse, fine, WEAKER**octave)
        coarse = fine
    return painting


def _next_octave(
    paint: Callable[[Picture], Picture], painting: Picture, coarse: Picture, fine: Picture, weight: float
) -> Picture:
    """Return the painting in the shape of `fine`, which scaled down is nearly the coarse painting.

    Without being drawn back to it, each octave would add texture at all sizes, and lose color.
    """
    enlarged = scaled(painting, fine.shape[:2])
    result = blended(enlarged, paint(enlarged), REPAINTED * weight)
    del enlarged
    small = painting.shape[:2]
    areas = max(1, small[0] // TONES), max(1, small[1] // TONES)
    for color in range(result.shape[2]):
        new, old = result[..., color], painting[..., color]
        _add_detail(new, fine[..., color], coarse[..., color])
        _draw_back(new, old, areas, 1)
        _draw_back(new, old, small, 1 - FREED * weight)
    return result


def _add_detail(new: Channel, fine: Channel, coarse: Channel) -> None:
    """Add to a channel a share of the detail that `fine` has and `coarse` has not."""
    for rows in parts(new.shape):
        new[rows] = as_bytes(new[rows] + DETAIL * (fine[rows] - scaled_rows(coarse, new.shape, rows)))


def _draw_back(new: Channel, old: Channel, shape: Shape, share: float) -> None:
    """Add to a channel a share of what it lacks to be the old one when both are scaled to a shape."""
    lacking = np.empty(shape, np.float32)
    for rows in parts(shape, new.shape):
        lacking[rows] = scaled_rows(old, shape, rows) - scaled_rows(new, shape, rows)
    for rows in parts(new.shape):
        new[rows] = as_bytes(new[rows] + share * scaled_rows(lacking, new.shape, rows))
