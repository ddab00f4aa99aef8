"""Works through large pictures some rows at a time, so that no step needs memory for a whole one."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

import numpy as np
from PIL import Image

from worker.images.arrays import Picture

PIXELS_AT_ONCE = 1 << 22
KERNEL = 2  # pixels that a bicubic kernel reaches to each side, at the scale of the smaller picture

Shape = tuple[int, ...]  # height, width
Values = np.ndarray[Any, Any]


def parts(shape: Shape, source: Shape = (0, 0)) -> Iterator[slice]:
    """Yield the rows of a picture, from top to bottom; `source` is the shape from which it is scaled."""
    pixels_of_a_row = max(shape[1], source[0] * source[1] // shape[0])
    rows = max(1, PIXELS_AT_ONCE // pixels_of_a_row)
    return (slice(first, min(first + rows, shape[0])) for first in range(0, shape[0], rows))


def scaled_rows(channel: Values, shape: Shape, rows: slice) -> Values:
    """Return rows of one channel in another shape (bicubic), as floats.

    They are those of the whole channel scaled: the rows around them are taken into account. In bytes they
    would not be, because Pillow rounds between its two passes, whose order depends on the size.
    """
    height, width = channel.shape
    scale = height / shape[0]
    top, bottom = rows.start * scale, rows.stop * scale
    reach = ceil(KERNEL * max(scale, 1)) + 1
    first, end = max(0, floor(top) - reach), min(height, ceil(bottom) + reach)
    image = Image.fromarray(channel[first:end].astype(np.float32))
    box = (0.0, top - first, float(width), min(bottom - first, float(end - first)))
    size = (shape[1], rows.stop - rows.start)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box))


def scaled(picture: Picture, shape: Shape) -> Picture:
    """Return a picture in another shape."""
    if picture.shape[:2] == shape:
        return picture
    result = np.empty((*shape, picture.shape[2]), np.uint8)
    for rows in parts(shape, picture.shape):
        for color in range(picture.shape[2]):
            result[rows, :, color] = as_bytes(scaled_rows(picture[..., color], shape, rows))
    return result


def as_bytes(values: Values) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blended(one: Picture, other: Picture, share: float) -> Picture:
    """Return a picture with a share of `other`."""
    result = np.empty_like(one)
    for rows in parts(one.shape):
        result[rows] = np.asarray(
            Image.blend(Image.fromarray(one[rows]), Image.fromarray(other[rows]), share)
        )
    return result
