"""Pictures painted in bands come out as the whole picture does, in little memory, for two networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from shared.errors import StylizationFailed
from tests.integration.model.test_mixed_sizes import OtherLayers, Smooth, saved
from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import BandLimits, PictureRows
from worker.model.bands.network import BandedNetwork
from worker.model.bands.painting import BandedPainter
from worker.model.embedded_model import embedded_model_path
from worker.model.mixed_sizes.values import CannotMix
from worker.model.style_frontier import SplitModel, split
from worker.model.stylizer import MIN_SIDE, NETWORK_STRIDE, NOT_FINITE, Stylizer

RANDOM = np.random.default_rng(11)
ALL_IN_MEMORY = 1 << 30


class Hot(tf.Module):
    """A model whose layer before the mean is beyond float16, and whose result is no number on a red picture."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])] * 2)
    def __call__(self, placeholder: Any, placeholder_1: Any) -> list[Any]:
        x = 1e6 * (placeholder + tf.reduce_mean(placeholder_1, [1, 2])[:, None, None, :])
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        return [tf.sigmoid((x - mean) / tf.sqrt(variance)) / placeholder[..., 1:2]]


def handle_of(name: str, model_cache: Path, folder: Path) -> str:
    return str(embedded_model_path(model_cache)) if name == "embedded" else saved(OtherLayers(), folder)


@pytest.fixture(scope="module", params=["embedded", "other layers"])
def halves(
    request: pytest.FixtureRequest, model_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> SplitModel:
    found = split(
        hub.load(handle_of(request.param, model_cache, tmp_path_factory.mktemp("models") / "other"))
    )
    assert found is not None
    return found


def random_picture(height: int, width: int) -> Picture:
    return RANDOM.integers(0, 256, (height, width, 3), np.uint8)


def in_bands(
    painter: Any, content: Picture, parameters: StyleParameters, limits: BandLimits
) -> tuple[Picture, list[float]]:
    result = np.zeros_like(content)
    below = 0  # where the next band must begin

    def write(first: int, rows: Picture) -> None:
        nonlocal below
        assert first == below
        below += len(rows)
        result[first:below] = rows

    rows = PictureRows(*content.shape[:2], lambda first, end: content[first:end], write)
    fractions = list(painter.steps(rows, parameters, limits))
    assert below == len(content)
    return result, fractions


def difference(one: Picture, other: Picture) -> int:
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("half", [True, False])
def test_any_height_in_bands_of_any_height_is_as_the_whole(
    halves: SplitModel, tmp_path: Path, half: bool
) -> None:
    network = BandedNetwork(halves.content_half, halves.parts_of)
    network.half = half
    painter = BandedPainter(network, NETWORK_STRIDE, MIN_SIDE)
    whole = tf.function(
        halves.paint, input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, None])]
    )
    style = halves.style_parameters(tf.constant(RANDOM.random((1, 64, 64, 3), np.float32)))
    for height in RANDOM.integers(13, 130, 5):
        width = int(RANDOM.integers(3, 20)) * NETWORK_STRIDE + MIN_SIDE
        content = random_picture(int(height) // NETWORK_STRIDE * NETWORK_STRIDE, width)
        pixels = np.clip(whole(tf.constant(content[None] / 255, tf.float32), style)[0], 0, 1) * 255
        pixels = np.rint(pixels[: len(content), :width])
        limits = BandLimits(int(RANDOM.integers(1, 40)) * width, ALL_IN_MEMORY * half, tmp_path)
        painted, fractions = in_bands(painter, content, np.asarray(style[0]), limits)
        assert difference(painted[: len(pixels), : pixels.shape[1]], pixels) <= 1
        assert fractions == sorted(fractions)
        assert fractions[-1] == pytest.approx(1)
    assert not list(tmp_path.iterdir())
