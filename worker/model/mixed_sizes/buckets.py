"""The few sizes that every picture is put into, so that each is planned and compiled once.

A ladder with two steps an octave. A photograph whose longer side was scaled down to a usual size, such as
512, lies on a step with that side. More steps would waste fewer pixels, but each shape is compiled for
seconds, and fewer pictures would share a call (docs/5-model.md has the shares).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np

from worker.images.arrays import Picture

STEPS = (64, 96)  # of the first octave, in pixels; multiples of the networks' strides
OCTAVES = 5
LADDER = (*(step << octave for octave in range(OCTAVES) for step in STEPS), STEPS[0] << OCTAVES)

Arrays = tuple[np.ndarray[Any, Any], ...]
Bucket = tuple[int, int]  # height and width, in pixels


def bucket_of(height: int, width: int) -> Bucket | None:
    """Return the smallest bucket that holds such a picture; None for one that is too large for any."""
    if max(height, width) > LADDER[-1]:
        return None
    return LADDER[bisect_left(LADDER, height)], LADDER[bisect_left(LADDER, width)]


def filled(pictures: Sequence[Picture], bucket: Bucket, stride: int, batch: int) -> Arrays:
    """Put pictures into buckets, each mirrored at its right and lower edge up to a multiple of `stride`.

    Returns:
        uint8 [batch, bucket height, bucket width, 3], and the mirrored heights and widths, int32 [batch].
        Places without a picture have the size of the first.
    """
    mirrored = [_mirrored(picture, stride) for picture in pictures]
    buckets = np.zeros((batch, *bucket, 3), np.uint8)
    for place, picture in zip(buckets, mirrored, strict=False):
        place[: picture.shape[0], : picture.shape[1]] = picture
    empty = [mirrored[0]] * (batch - len(mirrored))
    heights, widths = (np.array([each.shape[axis] for each in mirrored + empty], np.int32) for axis in (0, 1))
    return buckets, heights, widths


def _mirrored(picture: Picture, stride: int) -> Picture:
    missing = [(0, -side % stride) for side in picture.shape[:2]]
    if missing == [(0, 0), (0, 0)]:
        return picture
    return np.pad(picture, [*missing, (0, 0)], mode="reflect")
