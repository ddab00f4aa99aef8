"""Cuts a style picture into the squares that the style network sees."""

from __future__ import annotations

from math import ceil

import numpy as np
from PIL import Image

from worker.images.arrays import Picture, fitted

DECODED_SIDES = 3  # a style is decoded with so many times its size as its longer side: 3:1 in full resolution
MOST_TILES = 8
NEARLY_SQUARE = 0.5  # one square shows enough of a picture of up to 3:2


def crops(style: Picture, size: int, crop: str) -> list[Picture]:
    """Return pictures whose parameters' mean is the style.

    Args:
        crop: "center" is the largest centered square; "tiles" are squares along the longer side; "fit" is
            the whole picture in its own aspect.
        size: the side of the squares, or the longer side of the whole picture.
    """
    picture = Image.fromarray(style)
    width, height = picture.size
    if crop == "fit":
        return [_resized(picture, fitted(picture.size, size))]
    square = min(width, height)
    count = min(MOST_TILES, ceil(max(width, height) / square - NEARLY_SQUARE)) if crop == "tiles" else 1
    shares = np.linspace(0, 1, count) if count > 1 else [0.5]
    return [
        _resized(picture, (size, size), (left, top, left + square, top + square))
        for left, top in [((width - square) * share, (height - square) * share) for share in shares]
    ]


def _resized(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Picture:
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, box))
