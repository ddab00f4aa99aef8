"""Paints large pictures with the strokes of a small one.

The model's strokes have a fixed size in pixels, so a large picture would get relatively fine ones. Here the
small picture is painted first. Then, octave by octave, the painting is enlarged, gets the photograph's detail
of that octave, and is painted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.images.arrays import Picture

# Chosen by eye, and by the figures of docs/18.
DETAIL = 1.0  # share of the photograph's detail that the enlarged painting gets
REPAINTED = 0.3  # share of the second painting; alone, it draws heavy outlines

Channel = NDArray[np.float32]
Shape = tuple[int, ...]  # height, width


def paint_in_octaves(
    paint: Callable[[Picture], Picture], photograph: Picture, sides: Sequence[int]
) -> Picture:
    """Return the painting in the photograph's shape.

    Args:
        paint: one pass of the model.
        sides: the longer side of each pass, from coarse to fine (`Params.sides_of_passes`). The last is the
            photograph's own.
    """
    coarse = _scaled_picture(photograph, _shape(photograph, sides[0]))
    painting = paint(coarse)
    for side in sides[1:]:
        fine = _scaled_picture(photograph, _shape(photograph, side))
        painting = _next_octave(paint, painting, coarse, fine)
        coarse = fine
    return painting


def _next_octave(
    paint: Callable[[Picture], Picture], painting: Picture, coarse: Picture, fine: Picture
) -> Picture:
    """Return the painting in the shape of `fine`, corrected so that scaled down it is the coarse painting.

    Uncorrected, each octave adds texture at all sizes.
    """
    small, shape = painting.shape[:2], fine.shape[:2]
    details = (
        DETAIL * (new - _scaled(old, shape))
        for new, old in zip(_channels(fine), _channels(coarse), strict=True)
    )
    sketch = _sum(_scaled_picture(painting, shape), details)
    again = np.asarray(Image.blend(Image.fromarray(sketch), Image.fromarray(paint(sketch)), REPAINTED))
    corrections = (
        _scaled(old - _scaled(new, small), shape)
        for new, old in zip(_channels(again), _channels(painting), strict=True)
    )
    return _sum(again, corrections)


def _shape(picture: Picture, side: int) -> Shape:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _channels(picture: Picture) -> Iterator[Channel]:
    """Yield one color after the other, so that only one needs memory as floats."""
    return (picture[..., color].astype(np.float32) for color in range(picture.shape[2]))


def _sum(picture: Picture, additions: Iterator[Channel]) -> Picture:
    total = np.empty_like(picture)
    for color, addition in enumerate(additions):
        total[..., color] = np.clip(np.rint(picture[..., color] + addition), 0, 255)
    return total


def _scaled(channel: Channel, shape: Shape) -> Channel:
    return np.asarray(Image.fromarray(channel).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _scaled_picture(picture: Picture, shape: Shape) -> Picture:
    if picture.shape[:2] == shape:
        return picture
    return np.asarray(Image.fromarray(picture).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
