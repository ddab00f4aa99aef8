"""Paints pictures of bytes with a banded network, which needs sides that are multiples of its stride."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import BandLimits, PictureRows
from worker.model.bands.network import BandedNetwork
from worker.model.bands.values import Band


class BandedPainter:
    """The content's half of a model, for pictures of any size."""

    def __init__(self, network: BandedNetwork, stride: int, least_side: int) -> None:
        self._network, self._stride, self._least_side = network, stride, least_side

    @property
    def stored_bytes_per_pixel(self) -> float:
        return self._network.bytes_per_pixel

    def steps(self, rows: PictureRows, parameters: StyleParameters, limits: BandLimits) -> Generator[float]:
        """Paint a picture as `Bands.steps` does.

        Raises:
            NotFinite: the result has values that are not numbers.
        """
        down, across = self._mirrored(rows.height), self._mirrored(rows.width)

        def read(band: Band) -> Picture:
            wanted = down[band.begin : band.end]
            first, end = int(wanted.min()), int(wanted.max()) + 1
            part = rows.read(first, end)
            if len(wanted) != end - first or len(across) != rows.width:
                part = part[wanted - first][:, across]
            return part

        def write(first: int, pixels: Picture) -> None:
            if first < rows.height:
                rows.write(first, pixels[: rows.height - first, : rows.width])

        style: Any = tf.constant(parameters[None])
        yield from self._network.steps((len(down), len(across)), style, read, write, limits)

    def _mirrored(self, size: int) -> NDArray[np.int64]:
        """Return the row for each row of the network's picture; the added ones mirror the last."""
        rows = np.pad(np.arange(size), (0, max(0, self._least_side - size)), mode="symmetric")
        return np.pad(rows, (0, -len(rows) % self._stride), mode="reflect")
