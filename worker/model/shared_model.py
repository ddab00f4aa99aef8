"""The model as jobs use it: each style is computed once, and styles can be blended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from shared.errors import ImageTooLarge, StylizationFailed
from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import Seen, unseen
from worker.model.style_cache import KnownStyle, StyleCache


class ModelCalls(Protocol):
    """A model that threads call with one picture each: `BatchedModel` in this process, `RemoteModel` in
    another.
    """

    handle: str
    digest: str | None  # of its files; None if they are not on this machine
    device: str
    can_blend: bool  # whether a weighted sum of parameters is a style
    memory_bytes: int  # that one call may use
    max_pixels: int  # of a picture that fits in that memory

    def style_parameters(self, style: Picture) -> StyleParameters:
        """Compute the parameters of a style picture."""

    def paint(self, content: Picture, parameters: StyleParameters, seen: Seen = unseen) -> Picture:
        """Return the stylized picture, in the content's shape.

        A large picture is painted in bands. After each, `seen` gets the fraction that is done; what it raises
        ends the painting.
        """


class SharedModel:
    """Shared by all threads of a process."""

    def __init__(self, calls: ModelCalls, style_cache_bytes: int) -> None:
        self._calls = calls
        self._styles = StyleCache(style_cache_bytes)

    @property
    def handle(self) -> str:
        return self._calls.handle

    @property
    def device(self) -> str:
        return self._calls.device

    @property
    def can_blend(self) -> bool:
        return self._calls.can_blend

    def style(self, key: str, compute: Callable[[], KnownStyle]) -> tuple[KnownStyle, bool]:
        """Return the style of `key`, and whether the cache had it; `compute` is called only if it had not.

        `key` names the picture and how it is cropped and scaled.
        """
        return self._styles.get(key, compute)

    def style_of(self, picture: Picture) -> StyleParameters:
        """Return the parameters of a picture without caching them."""
        return self._calls.style_parameters(picture)

    def blend(self, weighted: Sequence[tuple[StyleParameters, float]]) -> StyleParameters:
        """Return the weighted sum of styles. It is exact, because parameters enter the network affinely.

        Raises:
            StylizationFailed: there are several styles, and this model cannot be cut at its style.
        """
        if len(weighted) == 1:
            return weighted[0][0]
        if not self._calls.can_blend:
            raise StylizationFailed(f"The model {self.handle!r} can neither blend styles nor weaken one")
        total = sum(weight for _, weight in weighted)
        return np.asarray(
            sum(parameters * np.float32(weight / total) for parameters, weight in weighted), np.float32
        )

    def paint(self, content: Picture, parameters: StyleParameters, seen: Seen = unseen) -> Picture:
        """Return the stylized picture, in the content's shape; see `ModelCalls.paint`.

        Raises:
            ImageTooLarge: this worker will never have enough memory for it.
            OutOfMemory, StylizationFailed: the model raised it.
        """
        pixels = content.shape[0] * content.shape[1]
        if pixels > self._calls.max_pixels:
            raise ImageTooLarge(
                f"The picture has {pixels:,} pixels when it is stylized; this worker's memory is enough for "
                f"{self._calls.max_pixels:,}. Ask for a smaller params.max_side"
            )
        return self._calls.paint(content, parameters, seen)
