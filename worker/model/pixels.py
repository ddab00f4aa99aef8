"""Pictures as the model has them: float32 in [0, 1]."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any  # tf.Tensor


def as_floats(pixels: Tensor) -> Tensor:
    """Convert uint8 to float32 in [0, 1]."""
    return tf.cast(pixels, tf.float32) / 255.0


def as_pixels(floats: Tensor) -> Tensor:
    """Convert float32 to uint8, and values outside [0, 1] to the nearest within."""
    return tf.cast(tf.round(tf.clip_by_value(floats, 0.0, 1.0) * 255.0), tf.uint8)
