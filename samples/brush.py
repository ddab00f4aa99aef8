"""Canvas, noise, colors and paths for the painters of the style pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 384  # pixels; models look at about 256 of them
SCALE = 2  # painted larger and reduced, which smooths every edge
CANVAS = SIDE * SCALE

Field = NDArray[np.float64]  # height x width
Pixels = NDArray[np.float64]  # height x width x 3, in [0, 255]
Color = tuple[int, int, int]
Point = NDArray[np.float64]  # x, y

Y, X = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float64)


def smooth_noise(rng: np.random.Generator, cells: int) -> Field:
    """Return hills and valleys in [0, 1], about `cells` of them along a side."""
    coarse = Image.fromarray(rng.random((cells, cells)).astype(np.float32))
    hills = np.asarray(coarse.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC), dtype=np.float64)
    lowest, highest = hills.min(), hills.max()
    return np.asarray((hills - lowest) / (highest - lowest))


def blend(position: Field, colors: list[Color]) -> Pixels:
    """Return colors mixed linearly by position; 0 is the first color and 1 the last."""
    stops = np.linspace(0, 1, len(colors))
    channels = np.array(colors, dtype=np.float64).T
    return np.stack([np.interp(position, stops, channel) for channel in channels], axis=-1)


def as_color(pixel: NDArray[np.float64]) -> Color:
    red, green, blue = np.clip(pixel, 0, 255).astype(int)
    return int(red), int(green), int(blue)


def along(angle: Field, start: Point, steps: int, step_length: float) -> list[Point]:
    """Return a path from `start` that follows the angles (radians)."""
    path = [start]
    for _ in range(steps):
        x, y = np.clip(path[-1], 0, CANVAS - 1).astype(int)
        path.append(path[-1] + step_length * np.array([np.cos(angle[y, x]), np.sin(angle[y, x])]))
    return path
