"""Gives a photograph the colors of its styles, as the start of a minimization.

It is the linear Monge-Kantorovich map of Pitié and Kokaram (The linear Monge-Kantorovitch linear colour
mapping for example-based colour transfer, CVMP 2007): of all linear maps that give the photograph's colors
the mean and the covariance of the styles' colors, the one that moves them least.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from worker.images.arrays import Picture

SMALLEST_VARIANCE = 1e-5  # of a color in [0, 1]; a picture of one color has no inverse covariance

Array = npt.NDArray[np.float64]


def in_colors_of(styles: Sequence[tuple[Picture, float]], content: Picture) -> Picture:
    """Return the content with the colors of the styles, mixed by their weights."""
    mean, covariance = _statistics([(content, 1.0)])
    wanted_mean, wanted = _statistics(styles)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    moved = inverse @ _power(root @ wanted @ root, 0.5) @ inverse
    colors = (content.reshape(-1, 3) / 255 - mean) @ moved + wanted_mean
    return np.asarray((colors.clip(0, 1) * 255).round(), np.uint8).reshape(content.shape)


def _statistics(weighted: Sequence[tuple[Picture, float]]) -> tuple[Array, Array]:
    """Return the mean and the covariance of the colors in [0, 1] of all pictures together."""
    whole = sum(weight for _, weight in weighted)
    mean, square = np.zeros(3), np.zeros((3, 3))
    for picture, weight in weighted:
        colors = picture.reshape(-1, 3) / 255
        mean += weight / whole * colors.mean(0)
        square += weight / whole * (colors.T @ colors) / len(colors)
    return mean, square - np.outer(mean, mean) + SMALLEST_VARIANCE * np.eye(3)


def _power(symmetric: Array, exponent: float) -> Array:
    """Return the power of a positive definite matrix."""
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * values.clip(SMALLEST_VARIANCE**2) ** exponent) @ vectors.T)
