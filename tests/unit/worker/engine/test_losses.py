from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shared.errors import VggUnavailable
from shared.wire.loss_records import LossReport, LossValues
from shared.wire.params import Params
from worker.engine.losses import RemoteOriginal, measured
from worker.images.arrays import Picture

VALUES = {
    **{"content": 1.0, "style": 2.0, "total": 3.0, "style_by_layer": {}},
    **{"content_per_element": 4.0, "style_per_element": 5.0},
}


class Sums:
    """Reports sums of pixels in place of losses."""

    bytes_per_pixel = 1

    def report(
        self, picture: Picture, content: Picture, styles: Sequence[tuple[Picture, float]], params: Params
    ) -> LossReport:
        style = sum(float(style.sum()) * weight for style, weight in styles)
        values = LossValues.model_validate(VALUES | {"content": float(content.sum()), "style": style})
        return LossReport(
            **values.model_dump() | {"total": float(picture.sum())},
            alpha=params.alpha,
            beta=params.beta,
            network="none",
            content_image=values,
        )

    def paint(self, *_: object) -> None:
        raise NotImplementedError


class Call:
    """The engine's answer, in place of a `RemoteModel`."""

    def call(self, _: bytes, payload: bytes) -> bytes:
        return measured(Sums(), payload)  # type: ignore[arg-type]


def test_pictures_weights_and_parameters_reach_the_engine() -> None:
    ones = np.ones((2, 2, 3), np.uint8)
    original = RemoteOriginal(Call())  # type: ignore[arg-type]
    styles = [(ones, 0.25), (2 * ones, 0.5)]
    report = original.report(3 * ones, 2 * ones, styles, Params(losses=True, alpha=7, beta=8))
    assert (report.content, report.style, report.total) == (24, 15, 36)
    assert (report.alpha, report.beta) == (7, 8)


def test_a_hand_does_not_minimize() -> None:
    with pytest.raises(VggUnavailable):
        RemoteOriginal(Call()).paint()  # type: ignore[arg-type]
