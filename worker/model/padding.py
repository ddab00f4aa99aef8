"""Makes pictures large enough for a network, and takes the addition away again."""

from __future__ import annotations

import numpy as np

from worker.images.arrays import Picture


def padded(pictures: Picture, least: int) -> Picture:
    """Mirror pictures with a side below `least` pixels at the right and at the bottom.

    Takes one picture or a batch; larger ones come back as they are.
    """
    height, width = pictures.shape[-3:-1]
    if min(height, width) >= least:
        return pictures
    before = [(0, 0)] * (pictures.ndim - 3)
    sides = [(0, max(0, least - side)) for side in (height, width)]
    return np.pad(pictures, [*before, *sides, (0, 0)], mode="symmetric")


def cropped(pictures: Picture, like: Picture) -> Picture:
    """Cut off what `padded` added to pictures of the height and width of `like`."""
    height, width = like.shape[-3:-1]
    return pictures[..., :height, :width, :]
