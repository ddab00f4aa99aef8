"""The two kinds of array that go through a worker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # height x width x 3, sRGB; a batch has one dimension more in front

# Of one style, for the model that made them: float32 [parameter_count]; of a model that cannot be cut at its
# style, the style picture itself.
StyleParameters = NDArray[Any]
