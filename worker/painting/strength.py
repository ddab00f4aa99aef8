"""Lets the photograph show through a painting whose style is weakened."""

from __future__ import annotations

from worker.images.arrays import Picture
from worker.painting.rows import blended


def weakened(painting: Picture, photograph: Picture, strength: float) -> Picture:
    """Return the painting with a share of the photograph, from none at strength 1 to all at strength 0.

    Weak style parameters alone do not lead to the photograph: the model changes it even in its own style. The
    share is (1 - strength) squared. So the photograph is clearly visible only where the painting is already
    close to it, and edges are not seen twice.
    """
    if strength == 1:
        return painting
    share = (1 - strength) ** 2
    return blended(painting, photograph, share)
