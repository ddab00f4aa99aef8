"""A model in this process: bounds its memory, and lets pictures of several threads share a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from worker.images.arrays import Picture, StyleParameters
from worker.model.batcher import Batcher


class Model(Protocol):
    """A loaded model; `worker.model.stylizer.Stylizer` is the real one."""

    handle: str
    digest: str | None  # of its files; None if they are not on this machine
    device: str
    can_blend: bool  # whether a weighted sum of parameters is a style
    pixel_budget: int  # pixels beyond which a larger batch is no faster
    bytes_per_pixel: int  # of memory, for one call

    def style_parameters(self, style: Picture) -> StyleParameters:
        """Compute the parameters of a style picture."""

    def group(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that a picture uses in a call; pictures with equal ones can share a call."""

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        """Paint content pictures of one group, each in its style."""


class BatchedModel:
    """Calls a model for pictures of many threads (`ModelCalls`)."""

    def __init__(self, model: Model, memory_bytes: int, calls_at_once: int = 1) -> None:
        """`memory_bytes` is the limit of one call."""
        self._model = model
        self.handle, self.digest, self.device = model.handle, model.digest, model.device
        self.can_blend = model.can_blend
        self.memory_bytes = memory_bytes
        self.max_pixels = memory_bytes // model.bytes_per_pixel
        budget = min(model.pixel_budget, self.max_pixels)
        self._batcher = Batcher(model.paint, model.group, budget, calls_at_once)

    @property
    def waiting(self) -> int:
        """Return the number of pictures that wait for a call."""
        return len(self._batcher)

    def style_parameters(self, style: Picture) -> StyleParameters:
        return self._model.style_parameters(style)

    def paint(self, content: Picture, parameters: StyleParameters) -> Picture:
        """Return the stylized picture, in the content's shape.

        Raises:
            OutOfMemory, StylizationFailed: the model raised it.
        """
        return self._batcher.paint(content, parameters)
