"""The kinds of arrays that a worker passes on, and the size of a picture that is to fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # height x width x 3, sRGB; a batch has one dimension more in front
Alpha = NDArray[np.uint8]  # height x width; 0 is transparent

# One style as its model needs it: float32 [parameter_count], or the style picture itself if the model cannot
# be cut at its style.
StyleParameters = NDArray[Any]


def fitted(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Return the size with this longest side. The shorter one keeps the aspect and is at least 1."""
    scale = longest_side / max(size)
    one, other = (max(1, round(side * scale)) for side in size)
    return one, other
