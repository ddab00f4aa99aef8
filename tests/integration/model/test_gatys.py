"""The original method's losses, against NumPy written from the paper's formulas, and its minimization."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from shared.errors import LeaseLost, VggUnavailable
from shared.wire.loss_records import CurvePoint
from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.model.gatys.features import MEAN_BGR, Vgg, load_vgg
from worker.model.gatys.losses import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    content_loss,
    gram_over_positions,
    style_layer_loss,
    style_loss,
    total_variation,
)
from worker.model.gatys.method import OriginalMethod
from worker.model.gatys.minimize import Step, descend
from worker.model.gatys.objective import Losses, Measures, Objective, Pixels, Weights
from worker.model.gatys.painting import Minimization, Painting, Plan, Progress, Stop, noise_like
from worker.model.gatys.vgg_weights import embedded_weights_file, read_weights

WEIGHTS = Weights(alpha=1.0, beta=1000.0, total_variation=2.0)


@pytest.fixture(scope="module")
def vgg() -> Vgg:
    return load_vgg("embedded")


@pytest.fixture(scope="module")
def measures(vgg: Vgg) -> Measures:
    return Measures(vgg)


@pytest.fixture(scope="module")
def method() -> OriginalMethod:
    return OriginalMethod("embedded")


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(7)


def picture(chance: np.random.Generator, height: int = 32, width: int = 40) -> Pixels:
    """Return a picture that is smooth enough to be realistic, with details in all directions."""
    coarse = chance.random((height // 8, width // 8, 3), np.float32)
    return np.asarray(tf.image.resize(coarse, (height, width), "bicubic").numpy()).clip(0, 1)


def maps(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the paper's F: N feature maps of M positions."""
    return features[0].reshape(-1, features.shape[-1]).T.astype(np.float64)


def go_on() -> None:
    """Never ask it to end."""


def always(_: Step) -> bool:
    return True


# --- the losses -----------------------------------------------------------------------------------


def test_the_losses_are_those_of_the_papers_formulas(measures: Measures, chance: np.random.Generator) -> None:
    sought, content, style = picture(chance), picture(chance), picture(chance)
    seen = [
        {name: maps(tensor.numpy()) for name, tensor in measures.vgg.features(one[None]).items()}
        for one in (sought, content, style)
    ]
    losses = Objective(measures, content, [(style, 1.0)], WEIGHTS).losses(sought)
    reference_content = 0.5 * ((seen[0][CONTENT_LAYER] - seen[1][CONTENT_LAYER]) ** 2).sum()
    reference_layers = [_style_layer_reference(seen[0][layer], seen[2][layer]) for layer in STYLE_LAYERS]
    neighbors = (np.diff(sought, axis=0) ** 2).sum() + (np.diff(sought, axis=1) ** 2).sum()
    assert losses.content == pytest.approx(reference_content, rel=1e-4)
    assert list(losses.style_by_layer.values()) == pytest.approx(reference_layers, rel=1e-3)
    assert losses.style == pytest.approx(sum(reference_layers) / 5, rel=1e-3)
    assert losses.total == pytest.approx(losses.content + 1000 * losses.style + 2 * neighbors, rel=1e-5)
    assert losses.content_elements == seen[1][CONTENT_LAYER].size


def _style_layer_reference(sought: npt.NDArray[np.float64], style: npt.NDArray[np.float64]) -> float:
    """Compute equation 4 as it is printed, for two pictures of one size."""
    number, positions = sought.shape
    gram, wanted = np.zeros((number, number)), np.zeros((number, number))
    for i in range(number):  # equation 3, G_ij = sum over k of F_ik F_jk
        gram[i], wanted[i] = sought @ sought[i], style @ style[i]
    return float(((gram - wanted) ** 2).sum() / (4 * number**2 * positions**2))


def test_a_style_picture_of_another_size_is_compared_by_its_own_number_of_positions(
    chance: np.random.Generator,
) -> None:
    features = chance.random((1, 4, 6, 5), np.float32)
    twice = np.concatenate([features, features], axis=1)
    small, large = gram_over_positions(features), gram_over_positions(twice)
    assert float(style_layer_loss(small, large)) == pytest.approx(0, abs=1e-9)
    assert float(style_layer_loss(small, large * 2)) > 0.01


def test_equal_pictures_have_no_loss_and_others_have_one(
    measures: Measures, chance: np.random.Generator
) -> None:
    one, other = picture(chance), picture(chance)
    same = Objective(measures, one, [(one, 1.0)], Weights(1, 1)).losses(one)
    assert same.content == 0
    assert same.style == 0
    different = Objective(measures, one, [(other, 1.0)], Weights(1, 1)).losses(one)
    assert different.content == 0
    assert different.style > 1


def test_total_variation_counts_each_pair_of_neighbors_once() -> None:
    step = np.zeros((1, 2, 3, 3), np.float32)
    step[0, :, 1:] = 1.0
    assert float(total_variation(step)) == 6  # two rows, three colors, one step in each


def test_small_formulas_by_hand() -> None:
    ones, twos = np.ones((1, 1, 2, 1), np.float32), np.full((1, 1, 2, 1), 3, np.float32)
    assert float(content_loss(ones, twos)) == 4  # 1/2 (4 + 4)
    assert float(gram_over_positions(twos)[0, 0]) == 9
    assert float(style_layer_loss(np.float32([[1]]), np.float32([[9]]))) == 16  # 1/4 * 64
    assert float(style_loss(np.float32([1, 2, 3, 4, 5]))) == pytest.approx(3)


def test_the_gradient_is_that_of_finite_differences(measures: Measures, chance: np.random.Generator) -> None:
    """Central differences along random directions average float32's rounding over all pixels."""
    start = 0.25 + 0.5 * picture(chance)
    objective = Objective(measures, picture(chance), [(picture(chance), 1.0)], WEIGHTS)
    _, gradient = objective.gradient(start)
    for _ in range(4):
        direction = chance.choice([-1.0, 1.0], start.shape).astype(np.float32) * np.sign(gradient)
        direction = np.where(chance.random(start.shape) < 0.8, np.sign(gradient), direction).astype(
            np.float32
        )
        size = 1e-3
        ahead, behind = (objective.losses(start + sign * size * direction).total for sign in (1, -1))
        slope = (ahead - behind) / (2 * size)
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=0.02)


def test_several_styles_are_wanted_by_their_weights(measures: Measures, chance: np.random.Generator) -> None:
    content, one, other = picture(chance), picture(chance), picture(chance)

    def style_loss_of_one(*styles: tuple[Pixels, float]) -> float:
        return Objective(measures, content, styles, Weights(1, 1)).losses(one).style

    assert style_loss_of_one((one, 2)) == 0
    whole = style_loss_of_one((other, 5))
    assert style_loss_of_one((one, 3), (other, 1)) == pytest.approx(
        whole / 16, rel=1e-3
    )  # a quarter, squared


# --- the network ----------------------------------------------------------------------------------


def test_features_have_the_papers_layers_and_average_pooling(vgg: Vgg) -> None:
    flat = np.full((1, 48, 64, 3), 0.5, np.float32)
    features = vgg.features(flat)
    assert list(features) == [
        *("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"),
        *("conv4_1", "conv4_2", "conv4_3", "conv5_1"),
    ]
    assert features["conv1_1"].shape == (1, 48, 64, 64)
    assert features["conv5_1"].shape == (1, 3, 4, 512)
    pooled = tf.nn.avg_pool2d(features["conv1_2"], 2, 2, "VALID")
    kernel, bias = read_weights(embedded_weights_file()).convolutions["conv2_1"]
    again = tf.nn.relu(tf.nn.conv2d(pooled, kernel, 1, "SAME") + bias)
    assert np.allclose(again, features["conv2_1"], atol=1e-3)


def test_the_first_layer_sees_bgr_without_the_mean(vgg: Vgg) -> None:
    color = np.float32([0.1, 0.5, 0.9])
    seen = vgg.features(np.broadcast_to(color, (1, 16, 16, 3)))["conv1_1"].numpy()[0, 8, 8]
    kernel, bias = read_weights(embedded_weights_file()).convolutions["conv1_1"]
    signal = color[::-1] * 255 - np.float32(MEAN_BGR)
    assert np.allclose(seen, np.maximum(kernel.sum((0, 1)).T @ signal + bias, 0), atol=1e-3)


def test_a_keras_file_of_vgg19_is_read_by_its_path(tmp_path: Path, chance: np.random.Generator) -> None:
    file = tmp_path / "vgg19.h5"
    channels = [3, 64, 128, 256, 512, 512]
    with h5py.File(file, "w") as opened:
        for block, count in enumerate((2, 2, 4, 4, 4), 1):
            for number in range(1, count + 1):
                inputs = channels[block - 1] if number == 1 else channels[block]
                layer = opened.create_group(f"block{block}_conv{number}/block{block}_conv{number}_1")
                layer["W_1:0"] = chance.random((3, 3, inputs, channels[block]), np.float32) / 100
                layer["b_1:0"] = np.full(channels[block], 0.5, np.float32)
    weights = read_weights(file)
    assert weights.name == "vgg19"
    assert len(weights.convolutions) == 16
    assert load_vgg(str(file)).features(np.zeros((1, 16, 16, 3), np.float32))["conv5_1"].shape == (
        1,
        1,
        1,
        512,
    )


def test_a_file_that_is_no_vgg_says_so(tmp_path: Path) -> None:
    file = tmp_path / "other.h5"
    with h5py.File(file, "w") as opened:
        opened["block1_conv1/kernel"] = np.zeros((3, 3, 3, 64), np.float32)
    with pytest.raises(VggUnavailable, match=r"STYLEQUEUE_VGG.*neither VGG16 nor VGG19"):
        load_vgg(str(file))
    with pytest.raises(VggUnavailable, match=r"STYLEQUEUE_VGG.*cannot be read"):
        load_vgg(str(tmp_path / "missing.h5"))


# --- the minimization -----------------------------------------------------------------------------


@pytest.fixture
def objective(measures: Measures, chance: np.random.Generator) -> Objective:
    return Objective(measures, picture(chance), [(picture(chance), 1.0)], WEIGHTS)


def totals(steps: list[Step]) -> list[float]:
    return [step.losses.total for step in steps]


def test_the_total_falls_with_every_step_and_pixels_stay_colors(
    objective: Objective, chance: np.random.Generator
) -> None:
    steps: list[Step] = []
    start = picture(chance)
    last = descend(objective, start, 12, go_on, lambda step: steps.append(step) is None)
    assert [step.iteration for step in steps] == list(range(1, 13))
    assert all(
        later < earlier for earlier, later in pairwise([objective.losses(start).total, *totals(steps)])
    )
    assert last is steps[-1]
    assert objective.losses(last.picture).total == pytest.approx(last.losses.total, rel=1e-5)
    assert 0 <= last.picture.min() < last.picture.max() <= 1


def test_an_exception_of_the_check_ends_it_between_two_evaluations(
    objective: Objective, chance: np.random.Generator
) -> None:
    steps: list[Step] = []

    def canceled_after_three() -> None:
        if len(steps) == 3:
            raise LeaseLost("canceled")

    with pytest.raises(LeaseLost):
        descend(objective, picture(chance), 50, canceled_after_three, lambda step: steps.append(step) is None)
    assert len(steps) == 3


def painted(measures: Measures, plan: Plan, start: Pixels, content: Pixels, style: Pixels) -> Painting:
    return Minimization(measures, content, [(style, 1.0)], plan, go_on, lambda _: None).run(start)


def test_the_same_seed_paints_the_same_picture(measures: Measures, chance: np.random.Generator) -> None:
    content, style = picture(chance), picture(chance)
    plan = Plan(8, WEIGHTS)
    first, second, other = (
        painted(measures, plan, noise_like(content.shape, seed), content, style).picture for seed in (1, 1, 2)
    )
    assert np.abs(first - second).max() < 1e-3
    assert np.abs(first - other).mean() > 0.01


def test_levels_share_the_steps_and_end_at_the_full_size(
    measures: Measures, chance: np.random.Generator
) -> None:
    content, style = picture(chance, 64, 80), picture(chance)
    shapes: list[tuple[int, ...]] = []
    iterations: list[int] = []

    def seen(progress: Progress) -> None:
        shapes.append(progress.step.picture.shape)
        iterations.append(progress.iteration)

    plan = Plan(7, WEIGHTS, levels=3)
    painting = Minimization(measures, content, [(style, 1.0)], plan, go_on, seen).run(content)
    assert shapes == [(16, 20, 3)] * 2 + [(32, 40, 3)] * 2 + [(64, 80, 3)] * 3
    assert iterations == list(range(1, 8))
    assert painting.picture.shape == content.shape
    assert (painting.iterations, painting.stopped_by) == (7, Stop.ITERATIONS)


def test_the_budget_of_time_ends_it_with_the_best_picture_so_far(
    measures: Measures, chance: np.random.Generator
) -> None:
    content, style = picture(chance), picture(chance)
    seen: list[Losses] = []
    plan = Plan(10_000, WEIGHTS, seconds=0.5)
    begin = time.monotonic()
    painting = Minimization(
        measures, content, [(style, 1.0)], plan, go_on, lambda progress: seen.append(progress.step.losses)
    ).run(content)
    assert painting.stopped_by is Stop.TIME
    assert painting.iterations == len(seen) < 10_000
    assert time.monotonic() - begin >= 0.5
    objective = Objective(measures, content, [(style, 1.0)], WEIGHTS)
    assert objective.losses(painting.picture).total == pytest.approx(min(one.total for one in seen), rel=1e-4)


@pytest.mark.parametrize("shape", [(3, 64, 3), (64, 1, 3), (15, 15, 3)])
def test_narrow_pictures_and_styles_are_painted_and_measured(
    method: OriginalMethod, chance: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    content, style = (chance.integers(0, 256, shape, np.uint8) for _ in range(2))
    shown = []

    def see(_: int, __: CurvePoint, picture: Callable[[], Picture], ___: float | None) -> None:
        shown.append(picture().shape)

    params = Params(method="optimize", iterations=4, levels=2)
    picture, _ = method.paint(content, [(style, 1.0)], content, params, 60, go_on, see)
    assert picture.shape == content.shape == shown[-1]
    report = method.report(picture, content, [(style, 1.0)], params)
    assert np.isfinite([report.total, report.style, report.content_image.style]).all()


def test_pictures_of_all_sizes_share_one_trace(measures: Measures, chance: np.random.Generator) -> None:
    for height, width in ((32, 40), (40, 32), (48, 64)):
        one = picture(chance, height, width)
        Objective(measures, one, [(picture(chance), 1.0)], WEIGHTS).gradient(one)
    assert measures.traces == 1
