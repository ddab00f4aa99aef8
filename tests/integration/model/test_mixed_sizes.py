"""Pictures of different sizes in one call come out as each does alone, for two different networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from click.testing import CliRunner

from tests.stacks.servers import wait_until
from worker.model.command import model
from worker.model.embedded_model import embedded_model_path
from worker.model.mixed_sizes.calls import batch_of
from worker.model.mixed_sizes.layers import slice_bound
from worker.model.mixed_sizes.values import CannotMix
from worker.model.style_frontier import SplitModel, split
from worker.model.stylizer import Stylizer

SIDE = 96  # of the bucket
SMALLEST = 13
SIZES, BATCH = 200, 10
SAME = 1e-4  # of 1, in float32
KERNELS = {
    name: np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)
    for seed, (name, shape) in enumerate(
        {"first": (5, 5, 3, 8), "each": (3, 3, 8, 1), "down": (3, 3, 8, 12), "up": (3, 3, 12, 3)}.items()
    )
}


class OtherLayers(tf.Module):
    """A Hub-format model that shares no layer with the embedded one but the convolution."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])] * 2)
    def __call__(self, placeholder: Any, placeholder_1: Any) -> list[Any]:
        scale = tf.reduce_mean(placeholder_1, [1, 2])[:, None, None, :] + 0.5
        x = tf.pad(placeholder, [[0, 0], [2, 2], [3, 1], [0, 0]], "SYMMETRIC")
        x = tf.nn.elu(tf.nn.conv2d(x, KERNELS["first"], 1, "SAME"))
        x = tf.nn.depthwise_conv2d(x, KERNELS["each"], [1, 1, 1, 1], "SAME")
        x = tf.nn.conv2d(x, KERNELS["down"], 2, "SAME")
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        x = tf.nn.leaky_relu((x - mean) / tf.sqrt(variance + 1e-5))
        size = tf.shape(x)
        x = tf.image.resize(x, 2 * size[1:3], "nearest")
        x = tf.concat([x[:, -3:-1], x, x[:, 4:0:-2]], 1)
        x = tf.pad(x, [[0, 0], [1, 1], [size[2] % 3, 1], [0, 0]])
        x = tf.nn.conv2d(x, KERNELS["up"], 1, "VALID", dilations=2)
        return [tf.tanh(x * scale)[:, 2:, 1:]]


class Smooth(tf.Module):
    """A model with a layer for which no exact rewriting is known."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])] * 2)
    def __call__(self, placeholder: Any, placeholder_1: Any) -> list[Any]:
        size = tf.shape(placeholder)[1:3]
        small = tf.image.resize(placeholder, size // 2)
        return [tf.image.resize(small, size) * tf.reduce_mean(placeholder_1, [1, 2])[:, None, None, :]]


def saved(module: Any, folder: Path) -> str:
    tf.saved_model.save(module, str(folder), signatures=module.__call__)
    return str(folder)


@pytest.fixture(scope="module", params=["embedded", "other layers"])
def halves(
    request: pytest.FixtureRequest, model_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> SplitModel:
    if request.param == "embedded":
        path = str(embedded_model_path(model_cache))
    else:
        path = saved(OtherLayers(), tmp_path_factory.mktemp("models") / "other")
    found = split(hub.load(path))
    assert found is not None
    return found


def test_each_of_200_pictures_of_random_sizes_is_as_it_is_alone(halves: SplitModel) -> None:
    random = np.random.default_rng(3)
    mixed = tf.function(halves.mixed(SMALLEST), autograph=False)
    plain = tf.function(
        halves.paint, input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, None])]
    )
    differences = []
    for _ in range(SIZES // BATCH):
        heights, widths = random.integers(SMALLEST, SIDE + 1, (2, BATCH)).astype(np.int32)
        buckets = random.random(
            (BATCH, SIDE, SIDE, 3), np.float32
        )  # what lies beyond a picture does not matter
        styles = halves.style_parameters(tf.constant(random.random((BATCH, 64, 64, 3), np.float32)))
        together, fits = mixed(tf.constant(buckets), tf.constant(heights), tf.constant(widths), styles)
        assert fits
        for index, (height, width) in enumerate(zip(heights, widths, strict=True)):
            picture = tf.constant(buckets[index : index + 1, :height, :width])
            alone = plain(picture, styles[index : index + 1])[0]
            part = together[index, : alone.shape[0], : alone.shape[1]]
            differences.append(float(tf.reduce_max(tf.abs(alone - part))))
    assert len(differences) == SIZES
    assert max(differences) <= SAME


def test_a_layer_that_is_not_known_is_named_and_the_model_works_as_before(tmp_path: Path) -> None:
    handle = saved(Smooth(), tmp_path / "smooth")
    halves = split(hub.load(handle))
    assert halves is not None
    with pytest.raises(CannotMix, match="ResizeBilinear"):
        halves.mixed(SMALLEST)
    stylizer = Stylizer(handle, tmp_path, mixes_sizes=True)
    stylizer.warm_up()
    assert stylizer.group(50, 34) == (50, 34)
    style = stylizer.style_parameters(np.full((64, 64, 3), 255, np.uint8))
    assert stylizer.paint([np.full((50, 34, 3), 90, np.uint8)], [style])[0].mean() == pytest.approx(90, abs=1)


def test_plain_and_compiled_calls_paint_pictures_of_one_group_together(tmp_path: Path) -> None:
    handle = saved(OtherLayers(), tmp_path / "other")
    alone, mixed = Stylizer(handle, tmp_path), Stylizer(handle, tmp_path, mixes_sizes=True)
    mixed.warm_up()
    random = np.random.default_rng(5)
    contents = [random.integers(0, 256, (*size, 3), np.uint8) for size in ((70, 90), (80, 96), (66, 81))]
    assert {mixed.group(*content.shape[:2]) for content in contents} == {(96, 96)}
    styles = [mixed.style_parameters(random.integers(0, 256, (64, 64, 3), np.uint8)) for _ in contents]

    def largest_difference(contents: list[Any]) -> int:
        pictures = mixed.paint(contents, styles)
        expected = [
            alone.paint([content], [style])[0] for content, style in zip(contents, styles, strict=True)
        ]
        return max(
            np.abs(one.astype(int) - other).max() for one, other in zip(pictures, expected, strict=True)
        )

    assert largest_difference(contents) <= 1
    assert mixed._mixed is not None
    compiled, shape = mixed._mixed._compiled, ((96, 96), batch_of((96, 96), mixed.pixel_budget))
    wait_until(lambda: shape in compiled.ready(), 120, "the compiled call")
    assert largest_difference(contents) <= 1
    narrower = [content[:, :60] for content in contents]
    assert largest_difference(narrower) <= 1
    assert list(compiled.ready()) == [shape], "a larger bucket serves what it wastes less than half on"


@pytest.mark.parametrize("step", [1, 2, 3, -1, -2])
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_bounds_of_slices_are_pythons(size: int, step: int) -> None:
    for begin in (None, *range(-9, 10)):
        for end in (None, *range(-9, 10)):
            first = slice_bound(begin, size, step, default=0 if step > 0 else size - 1)
            last = slice_bound(end, size, step, default=size if step > 0 else -1)
            assert list(range(first, last, step)) == list(range(size))[begin:end:step]


def test_the_model_command_says_what_a_model_allows(tmp_path: Path) -> None:
    other, smooth = saved(OtherLayers(), tmp_path / "other"), saved(Smooth(), tmp_path / "smooth")
    runner = CliRunner()
    known, unknown = (runner.invoke(model, ["check", handle]).output for handle in (other, smooth))
    assert "sizes: mixed exactly" in known
    assert "large pictures: painted exactly in bands" in known
    assert "sizes: not mixed (no exact rewriting is known of ResizeBilinear)" in unknown
    assert "large pictures" not in unknown
    missing = runner.invoke(model, ["check", str(tmp_path / "missing")])
    assert missing.exit_code == 1
    assert "cannot be loaded" in missing.output
