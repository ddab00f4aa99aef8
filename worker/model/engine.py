"""Runs the model for the pipeline: computes each style once, lets pictures share calls, bounds memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from shared.errors import ImageTooLarge, StylizationFailed
from worker.images.arrays import Picture, StyleParameters
from worker.images.codec import Decoded
from worker.model.batcher import Batcher
from worker.model.style_cache import KnownStyle, StyleCache


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


class Engine:
    """Shared by all threads of a process."""

    def __init__(self, model: Model, style_cache_bytes: int, memory_budget_bytes: int) -> None:
        self._model = model
        self._styles = StyleCache(style_cache_bytes)
        self._max_pixels = memory_budget_bytes // model.bytes_per_pixel
        self._batcher = Batcher(model.paint, model.group, min(model.pixel_budget, self._max_pixels))

    @property
    def handle(self) -> str:
        return self._model.handle

    @property
    def device(self) -> str:
        return self._model.device

    def style(self, key: str, load: Callable[[], Decoded]) -> tuple[KnownStyle, bool]:
        """Return the style of the picture that `load` returns, and whether the cache had it.

        `key` names the picture and its scaled size; `load` is called only if the cache lacks the style.
        """

        def compute() -> KnownStyle:
            decoded = load()
            return KnownStyle(self._model.style_parameters(decoded.picture), decoded.warnings)

        return self._styles.get(key, compute)

    def style_of(self, picture: Picture) -> StyleParameters:
        """Return the parameters of a picture without caching them, such as a content's own."""
        return self._model.style_parameters(picture)

    def blend(self, weighted: Sequence[tuple[StyleParameters, float]]) -> StyleParameters:
        """Return the weighted sum of styles. It is exact, because parameters enter the network affinely.

        Raises:
            StylizationFailed: there are several styles, and this model cannot be cut at its style.
        """
        if len(weighted) == 1:
            return weighted[0][0]
        if not self._model.can_blend:
            raise StylizationFailed(f"The model {self.handle!r} can neither blend styles nor weaken one")
        total = sum(weight for _, weight in weighted)
        return np.asarray(
            sum(parameters * np.float32(weight / total) for parameters, weight in weighted), np.float32
        )

    def paint(self, content: Picture, parameters: StyleParameters) -> Picture:
        """Return the stylized picture, in the content's shape.

        Raises:
            ImageTooLarge: this worker will never have enough memory for it.
            OutOfMemory, StylizationFailed: the model raised it.
        """
        pixels = content.shape[0] * content.shape[1]
        if pixels > self._max_pixels:
            raise ImageTooLarge(
                f"The picture has {pixels:,} pixels when it is stylized; this worker's memory is enough for "
                f"{self._max_pixels:,}. Ask for a smaller params.max_side"
            )
        return self._batcher.paint(content, parameters)
