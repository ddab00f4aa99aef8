"""Pictures painted in bands come out as the whole picture does, in little memory, for two networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from shared.errors import ImageTooLarge, StylizationFailed
from tests.integration.model.test_mixed_sizes import OtherLayers, Smooth, saved
from worker.images.arrays import Picture, StyleParameters
from worker.images.heap import HUGE_PAGES
from worker.model.bands.limits import BandLimits, PictureRows, Scratch
from worker.model.bands.network import BandedNetwork
from worker.model.bands.painting import BandedPainter
from worker.model.batched_model import BatchedModel
from worker.model.embedded_model import embedded_model_path
from worker.model.shared_model import SharedModel
from worker.model.style_frontier import SplitModel, split
from worker.model.stylizer import MIN_SIDE, NETWORK_STRIDE, NOT_FINITE, Stylizer

RANDOM = np.random.default_rng(11)
ALL_IN_MEMORY = 1 << 30


class Hot(tf.Module):
    """A model whose layer is beyond float16, and whose result is no number on a red picture."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])] * 2)
    def __call__(self, placeholder: Any, placeholder_1: Any) -> list[Any]:
        x = 1e6 * (placeholder + tf.reduce_mean(placeholder_1, [1, 2])[:, None, None, :])
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        return [tf.sigmoid((x - mean) / tf.sqrt(variance)) / placeholder[:, :, :, 1:2]]


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
    for height, rows in zip(RANDOM.integers(30, 160, 2), RANDOM.integers(8, 40, 2), strict=True):
        width = int(RANDOM.integers(3, 20)) * NETWORK_STRIDE + MIN_SIDE
        content = random_picture(int(height) // NETWORK_STRIDE * NETWORK_STRIDE, width)
        floats = whole(tf.constant(content[None] / 255, tf.float32), style)[0]
        pixels = np.rint(np.clip(floats, 0, 1) * 255)[: len(content), :width]
        limits = BandLimits(int(rows) * width, ALL_IN_MEMORY * half, tmp_path)
        painted, fractions = in_bands(painter, content, np.asarray(style[0]), limits)
        assert difference(painted[: len(pixels), : pixels.shape[1]], pixels) <= 1
        assert fractions == sorted(fractions)
        assert len(fractions) > len(content) / rows
        assert fractions[-1] == pytest.approx(1)
    assert not list(tmp_path.iterdir())


def test_a_picture_of_any_shape_is_as_the_model_paints_it_at_once(model_cache: Path) -> None:
    stylizer = Stylizer("embedded", model_cache)
    assert stylizer.bands is not None
    style = stylizer.style_parameters(random_picture(64, 64))
    for height, width in ((67, 45), (5, 81)):
        content = random_picture(height, width)
        painted, _ = in_bands(stylizer.bands, content, style, BandLimits(24 * width, ALL_IN_MEMORY))
        assert difference(painted, stylizer.paint([content], [style])[0]) <= 1


def test_values_beyond_half_precision_are_stored_in_full_and_no_number_is_an_error(tmp_path: Path) -> None:
    stylizer = Stylizer(saved(Hot(), tmp_path / "hot"), tmp_path)
    assert stylizer.bands is not None
    style = stylizer.style_parameters(random_picture(64, 64))
    content, limits = np.maximum(random_picture(80, 24), 1), BandLimits(20 * 24, ALL_IN_MEMORY)
    half_bytes = stylizer.bands.stored_bytes_per_pixel
    painted, _ = in_bands(stylizer.bands, content, style, limits)
    assert difference(painted, stylizer.paint([content], [style])[0]) <= 1
    assert stylizer.bands.stored_bytes_per_pixel == 2 * half_bytes
    content[-1, -1] = 255, 0, 0
    with pytest.raises(StylizationFailed, match=NOT_FINITE):
        in_bands(stylizer.bands, content, style, limits)


def test_a_model_without_bands_refuses_what_its_memory_does_not_hold(tmp_path: Path) -> None:
    stylizer = Stylizer(saved(Smooth(), tmp_path / "smooth"), tmp_path)
    assert stylizer.bands is None
    model = SharedModel(
        BatchedModel(stylizer, 100 * stylizer.bytes_per_pixel, scratch=Scratch(None, 10**9)), 0
    )
    style = model.style_of(random_picture(64, 64))
    assert model.paint(random_picture(10, 10), style).shape == (10, 10, 3)
    with pytest.raises(
        ImageTooLarge, match=r"101 pixels .* enough for 100\. Ask for a smaller params.max_side"
    ):
        model.paint(random_picture(101, 1), style)


PEAKS = """
import os
from pathlib import Path
import numpy as np
from shared.settings import Settings
from worker.model.bands.limits import BandLimits, PictureRows
from worker.model.loading import load_model

def peak(height):
    Path("/proc/self/clear_refs").write_text("5")  # begin anew
    rows = PictureRows(height, 400, lambda a, b: np.zeros((b - a, 400, 3), np.uint8), lambda *_: None)
    for _ in model.bands.steps(rows, style, BandLimits(40_000, 0)):
        pass
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

model = load_model(Settings.from_environment(os.environ))
style = model.style_parameters(np.zeros((64, 64, 3), np.uint8))
print(peak(500), peak(2000))
"""


def test_a_picture_of_four_times_the_rows_has_the_same_peak_of_memory(model_cache: Path) -> None:
    own = {"STYLEQUEUE_CACHE_DIR": str(model_cache), "STYLEQUEUE_LOG_LEVEL": "error", **HUGE_PAGES}
    done = subprocess.run(
        [sys.executable, "-c", PEAKS], env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    low, high = map(int, done.stdout.split())
    assert high < 1.1 * low
