from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.images.arrays import Picture, StyleParameters
from worker.model.batched_model import BatchedModel


class Negative:
    """Paints the negative; a call takes 10 bytes for each pixel."""

    handle, digest, device, can_blend = "negative", "abc", "cpu", True
    pixel_budget, bytes_per_pixel = 10**9, 10
    bands = None

    def style_parameters(self, style: Picture) -> StyleParameters:
        return style.mean((0, 1))

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(self, contents: Sequence[Picture], _: Sequence[StyleParameters]) -> Sequence[Picture]:
        return [255 - content for content in contents]


def test_it_shows_the_facts_of_its_model_and_the_largest_picture_that_fits() -> None:
    model = BatchedModel(Negative(), 1000)
    assert (model.handle, model.digest, model.device, model.can_blend) == ("negative", "abc", "cpu", True)
    assert model.max_pixels == 100
    assert model.waiting == 0


def test_it_paints_one_picture() -> None:
    content = np.full((4, 6, 3), 200, np.uint8)
    assert (BatchedModel(Negative(), 10**6).paint(content, np.zeros(3)) == 55).all()
