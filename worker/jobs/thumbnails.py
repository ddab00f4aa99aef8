"""Thumbnails of results, for pages that show many: small JPEGs in the service's bucket."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import structlog
from PIL import Image

from shared.errors import PermanentError, TransientError
from shared.policy.object_keys import has_thumbnail, thumbnail_key
from shared.storage.objects import Storage
from shared.wire.descriptors import Output
from shared.wire.records import Job, Thumbnail
from worker.images.arrays import Alpha, Picture
from worker.images.codec import encode

SIDE = 320  # pixels, about: a reduction by a whole factor makes 267 to 400, and costs a third of an exact one
STRIP_PIXELS = 1 << 20  # reduced at a time, so that a huge picture needs little memory
AS_A_THUMBNAIL = Output(format="jpeg", quality=80)


@dataclass(frozen=True)
class Drawing:
    """A thumbnail that is not stored yet."""

    width: int
    height: int
    data: bytes


def drawn(picture: Picture, alpha: Alpha | None = None) -> Drawing | None:
    """Return the thumbnail of an sRGB picture, over white; None if it needs none or there is no memory."""
    height, width, _ = picture.shape
    if not has_thumbnail(width, height):
        return None
    try:
        small = _reduced(picture, alpha, round(max(width, height) / SIDE))
        data = encode(small, AS_A_THUMBNAIL).data
    except (MemoryError, TransientError):
        structlog.get_logger().warning("no thumbnail", code="out-of-memory")
        return None
    return Drawing(small.shape[1], small.shape[0], data)


def stored(storage: Storage, job: Job, drawing: Drawing | None) -> Thumbnail | None:
    """Store a thumbnail; a failure is only logged, because the job has its picture."""
    if drawing is None:
        return None
    try:
        storage.put(thumbnail_key(job.folder, job.id), drawing.data, "image/jpeg")
    except (TransientError, PermanentError) as error:
        structlog.get_logger().warning("no thumbnail", code=error.code, detail=error.detail)
        return None
    return Thumbnail(width=drawing.width, height=drawing.height, bytes=len(drawing.data))


def _reduced(picture: Picture, alpha: Alpha | None, factor: int) -> Picture:
    """Return the means of squares of `factor` x `factor` pixels, smaller ones at the right and lower edge."""
    height, width, _ = picture.shape
    small = Image.new("RGB", (ceil(width / factor), ceil(height / factor)))
    rows = factor * max(1, STRIP_PIXELS // (width * factor))
    for top in range(0, height, rows):
        strip = _over_white(picture[top : top + rows], None if alpha is None else alpha[top : top + rows])
        small.paste(strip.reduce(factor), (0, top // factor))
    return np.asarray(small)


def _over_white(picture: Picture, alpha: Alpha | None) -> Image.Image:
    colors = Image.fromarray(picture)
    if alpha is None:
        return colors
    ground = Image.new("RGB", colors.size, "white")
    ground.paste(colors, mask=Image.fromarray(alpha))
    return ground
