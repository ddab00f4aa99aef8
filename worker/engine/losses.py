"""The losses of a picture, measured by the engine: both sides of the request LOSSES."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from shared.errors import VggUnavailable
from shared.wire.loss_records import LossReport, Optimization
from shared.wire.params import Params
from worker.engine.remote_model import RemoteModel
from worker.engine.wire import LOSSES, pack_arrays, unpack_arrays
from worker.images.arrays import Picture
from worker.model.memory import VGG_BYTES_PER_PIXEL
from worker.painting.original import Original, WeightedStyles


class RemoteOriginal:
    """Measures losses in the engine (`Original`). Jobs that minimize run in workers with their own model."""

    bytes_per_pixel = VGG_BYTES_PER_PIXEL

    def __init__(self, model: RemoteModel) -> None:
        self._model = model

    def report(
        self, picture: Picture, content: Picture, styles: WeightedStyles, params: Params
    ) -> LossReport:
        """Measure the losses of the picture and of the content.

        Raises:
            VggUnavailable: the engine has no VGG network.
            OutOfMemory: the engine has no memory for it now.
        """
        members = {
            "params": params.model_dump_json(exclude_defaults=True),
            "weights": [weight for _, weight in styles],
        }
        text = np.frombuffer(json.dumps(members).encode(), np.uint8)
        pictures = [picture, content, *(style for style, _ in styles)]
        return LossReport.model_validate_json(self._model.call(LOSSES, pack_arrays([text, *pictures])))

    def paint(self, *_: Any) -> tuple[Picture, Optimization]:
        """Raise VggUnavailable."""
        raise VggUnavailable("A worker beside an engine does not minimize")

    def measured_rate(self, _: Callable[[], None]) -> float | None:
        """Return None: this worker does not minimize."""
        return None


def measured(original: Original, payload: bytes) -> bytes:
    """Do in the engine what `RemoteOriginal.report` asks for."""
    text, picture, content, *styles = unpack_arrays(payload)
    members = json.loads(text.tobytes())
    weighted = list(zip(styles, members["weights"], strict=True))
    params = Params.model_validate_json(members["params"])
    return original.report(picture, content, weighted, params).model_dump_json().encode()
