"""Lets the photograph show through a painting whose style is weakened."""

from __future__ import annotations

import numpy as np
from PIL import Image

from worker.images.arrays import Picture


def weakened(painting: Picture, photograph: Picture, strength: float) -> Picture:
    """Return the painting with a share of the photograph, from none at strength 1 to all at strength 0.

    Weak style parameters alone do not lead to the photograph: the model changes it even in its own style. The
    share is (1 - strength) squared. So the photograph is clearly visible only where the painting is already
    close to it, and edges are not seen twice.
    """
    if strength == 1:
        return painting
    share = (1 - strength) ** 2
    return np.asarray(Image.blend(Image.fromarray(painting), Image.fromarray(photograph), share))
