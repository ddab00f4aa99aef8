from __future__ import annotations

import numpy as np
import pytest

from bench.measures.content_distance import LAYERS, content_distance
from tests.files.pictures import photo
from worker.model.gatys.features import Vgg, load_vgg


@pytest.fixture(scope="module")
def vgg() -> Vgg:
    return load_vgg("embedded")


def test_a_copy_has_the_distance_0_and_a_changed_motif_more_than_changed_light(vgg: Vgg) -> None:
    picture = np.asarray(photo(64, 48, detail=True))
    darker = (picture * 0.8).astype(np.uint8)
    upside_down = np.ascontiguousarray(picture[::-1])
    assert content_distance(vgg, picture, picture) == 0
    near, far = (content_distance(vgg, each, picture) for each in (darker, upside_down))
    assert 0 < near < far < 2


def test_the_network_has_the_layers(vgg: Vgg) -> None:
    assert set(LAYERS) <= set(vgg.features(np.zeros((1, 32, 32, 3), np.float32)))
