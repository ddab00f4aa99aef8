"""Adam, to compare with the L-BFGS of the product: the same objective, from the same picture."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.model.gatys.method import OriginalMethod

RATES = (0.005, 0.02, 0.05)


@dataclass(frozen=True)
class Descent:
    rate: float
    steps: int
    total: float  # the lowest value seen


def adam(
    original: OriginalMethod, content: Picture, style: Picture, start: Picture, seconds: float
) -> Descent:
    """Return the best result of several learning rates, each for so many seconds. Pixels are clipped to [0,
    1].
    """
    found = [_descend(original, content, style, start, seconds, rate) for rate in RATES]
    return min(found, key=lambda descent: descent.total)


def _descend(
    original: OriginalMethod, content: Picture, style: Picture, start: Picture, seconds: float, rate: float
) -> Descent:
    objective = original.objective(content, [(style, 1.0)], Params(method="optimize"))
    pixels = tf.Variable(start.astype(np.float32) / 255)
    optimizer = tf.keras.optimizers.Adam(rate)
    end, steps, least = time.perf_counter() + seconds, 0, float("inf")
    while time.perf_counter() < end:
        losses, gradient = objective.gradient(pixels.numpy())
        least = min(least, losses.total)
        optimizer.apply_gradients([(tf.constant(gradient), pixels)])
        pixels.assign(tf.clip_by_value(pixels, 0.0, 1.0))
        steps += 1
    return Descent(rate, steps, least)
