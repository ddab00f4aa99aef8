"""A model in this process: bounds its memory, and lets pictures of several threads share a call.

A picture that is too large for one call is painted in bands. Each band is a call of its own, so that smaller
pictures are painted in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Protocol

import numpy as np

from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import BandLimits, Bands, PictureRows, Scratch, Seen, unseen
from worker.model.batcher import Batcher
from worker.telemetry.device_time import on_device

WAIT_SECONDS = 1.0  # between two signs of life of a picture that waits for another one's bands


class Model(Protocol):
    """A loaded model; `worker.model.stylizer.Stylizer` is the real one."""

    handle: str
    digest: str | None  # of its files; None if they are not on this machine
    device: str
    can_blend: bool  # whether a weighted sum of parameters is a style
    pixel_budget: int  # pixels beyond which a larger batch is no faster
    bytes_per_pixel: int  # of memory, for one call

    @property
    def bands(self) -> Bands | None:
        """None: the model paints whole pictures only."""

    def style_parameters(self, style: Picture) -> StyleParameters:
        """Compute the parameters of a style picture."""

    def group(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that a picture uses in a call; pictures with equal ones can share a call."""

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        """Paint content pictures of one group, each in its style."""


class BatchedModel:
    """Calls a model for pictures of many threads (`ModelCalls`)."""

    def __init__(
        self, model: Model, memory_bytes: int, calls_at_once: int = 1, scratch: Scratch | None = None
    ) -> None:
        """`memory_bytes` is the limit of one call; `scratch` is for what it does not hold of bands."""
        self._model = model
        self.handle, self.digest, self.device = model.handle, model.digest, model.device
        self.can_blend = model.can_blend
        self.memory_bytes = memory_bytes
        self._at_once_pixels = self.max_pixels = memory_bytes // model.bytes_per_pixel
        budget = min(model.pixel_budget, self.max_pixels)
        self._batcher = Batcher(model.paint, model.group, budget, calls_at_once)
        self._in_bands = threading.BoundedSemaphore(calls_at_once)  # each holds memory between its calls
        scratch = scratch or Scratch()
        self._band_limits = BandLimits.within(memory_bytes, model.bytes_per_pixel, scratch)
        if model.bands:
            room = self._band_limits.memory_bytes + scratch.most_bytes
            self.max_pixels = max(self.max_pixels, int(room / model.bands.stored_bytes_per_pixel))
            self._at_once_pixels = min(self._at_once_pixels, model.bands.at_once_pixels)

    @property
    def waiting(self) -> int:
        """Return the number of pictures that wait for a call."""
        return len(self._batcher)

    def style_parameters(self, style: Picture) -> StyleParameters:
        with on_device():
            return self._model.style_parameters(style)

    def paint(self, content: Picture, parameters: StyleParameters, seen: Seen = unseen) -> Picture:
        """Return the stylized picture, in the content's shape.

        Raises:
            OutOfMemory, StylizationFailed: the model raised it.
        """
        height, width, _ = content.shape
        bands = self._bands_for(height * width)
        if bands is None:
            return self._batcher.paint(content, parameters)
        result = np.empty_like(content)

        def write(first: int, pixels: Picture) -> None:
            result[first : first + len(pixels)] = pixels

        rows = PictureRows(height, width, lambda first, end: content[first:end], write)
        self._paint_bands(bands, rows, parameters, seen)
        return result

    def paint_rows(self, rows: PictureRows, parameters: StyleParameters, seen: Seen = unseen) -> None:
        """Paint a picture that lies elsewhere; raise the errors of `paint`."""
        bands = self._bands_for(rows.height * rows.width)
        if bands is None:
            rows.write(0, self._batcher.paint(rows.read(0, rows.height), parameters))
        else:
            self._paint_bands(bands, rows, parameters, seen)

    def _bands_for(self, pixels: int) -> Bands | None:
        return self._model.bands if pixels > self._at_once_pixels else None

    def _paint_bands(self, bands: Bands, rows: PictureRows, parameters: StyleParameters, seen: Seen) -> None:
        """Paint all bands, each when its turn comes. If `seen` raises, no further band is painted."""
        with self._in_turn(seen), closing(bands.steps(rows, parameters, self._band_limits)) as steps:
            while True:
                with self._batcher.turn(), on_device():
                    done = next(steps, None)
                if done is None:
                    break
                seen(done)

    @contextmanager
    def _in_turn(self, seen: Seen) -> Iterator[None]:
        while not self._in_bands.acquire(timeout=WAIT_SECONDS):
            seen(0.0)
        try:
            yield
        finally:
            self._in_bands.release()
