"""Rows of random networks, computed as a band, are those of the whole result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from worker.model.bands.layout import laid_out
from worker.model.bands.program import Outputs, Program
from worker.model.bands.rules import ZERO, runs, taken
from worker.model.bands.values import HEIGHT, Band
from worker.model.mixed_sizes.values import CannotMix

NETWORKS, BANDS = 12, 8
SAME = 1e-4
CHANNELS = 4


def kernel(random: np.random.Generator, side: int, read: int, written: int) -> Any:
    return random.normal(0, 0.3, (side, side, read, written)).astype(np.float32)


def layer(x: Any, random: np.random.Generator) -> Any:
    """Apply one random operation to [1, height, width, CHANNELS]."""
    before, after, left, right = random.integers(0, 4, 4).tolist()
    stride, padding = int(random.integers(1, 4)), str(random.choice(["SAME", "VALID"]))
    mode = str(random.choice(["REFLECT", "SYMMETRIC", "CONSTANT"]))

    def convolved(picture: Any, side: int, read: int, written: int, *options: Any, **more: Any) -> Any:
        return tf.nn.conv2d(picture, kernel(random, side, read, written), *options, **more)

    def even() -> Any:
        return x[:, : tf.shape(x)[1] // 2 * 2, : tf.shape(x)[2] // 2 * 2]

    operations = [
        lambda: convolved(x, int(random.choice([1, 3, 5])), CHANNELS, CHANNELS, stride, padding),
        lambda: convolved(x, 3, CHANNELS, CHANNELS, 1, "SAME", dilations=2),
        lambda: tf.nn.depthwise_conv2d(x, kernel(random, 3, CHANNELS, 1), [1, 1, 1, 1], "SAME"),
        lambda: tf.pad(x, [[0, 0], [before, after], [left, right], [0, 0]], mode),
        lambda: tf.image.resize(x, 2 * tf.shape(x)[1:3] - before, "nearest"),
        lambda: tf.concat([x[:, 2:0:-1], x, x[:, -3:-1], x[:, 1::2]], 1),
        lambda: tf.nn.depth_to_space(convolved(x, 3, CHANNELS, 16, 2, "SAME"), 2),
        lambda: convolved(tf.nn.space_to_depth(even(), 2), 1, 16, CHANNELS, 1, "VALID"),
        lambda: tf.nn.relu(tf.concat([x[:, :, :, 2:], x[:, :, :, :2]], 3)) + 0.3 * x,
    ]
    return operations[random.integers(len(operations))]()


def network(seed: int) -> Any:
    def run(picture: Any) -> Any:
        random = np.random.default_rng(seed)
        x = tf.nn.conv2d(picture, kernel(random, 3, 3, CHANNELS), 1, "SAME")
        for _ in range(6):
            x = layer(x, random)
        return x

    return tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec([None, None, None, 3]))


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_a_band_of_a_random_network_is_as_in_the_whole(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    function = network(seed)
    height, width = random.integers(60, 130, 2).tolist()
    picture = random.integers(0, 256, (1, height, width, 3), np.uint8)
    whole = function(tf.constant(picture / 255, tf.float32)).numpy()
    layout = laid_out(function, height, width, [])
    assert [layout.result.height, layout.result.width, layout.result.channels] == list(whole.shape[1:])
    for _ in range(BANDS):
        first, end = np.sort(random.choice(whole.shape[1] + 1, 2, replace=False)).tolist()
        program = Program(layout, 0, Outputs({layout.result: Band(first, end)}, {}, {}), half=False)
        reads = [tf.constant(picture[:, band.begin : band.end]) for band in program.reads.values()]
        ((rows,), _), _, _ = program.traced(reads, [])(reads, [])
        assert np.abs(rows.numpy() - whole[:, first:end]).max() <= SAME


def test_bands_in_the_middle_share_one_computation() -> None:
    layout = laid_out(network(1), 400, 50, [])
    step = layout.result.height // 25
    keys = {
        Program(layout, 0, Outputs({layout.result: Band(first, first + step)}, {}, {}), half=False).key
        for first in range(4 * step, 20 * step, step)
    }
    assert len(keys) < 16


def test_an_index_of_rows_takes_them_whatever_their_order() -> None:
    random = np.random.default_rng(7)
    x = random.random((1, 9, 3, 2), np.float32)
    with_zeros = np.concatenate([x, np.zeros_like(x[:, :1])], 1)
    for _ in range(200):
        pieces = [
            np.arange(9),
            np.arange(9)[::-1],
            np.full(2, ZERO),
            random.integers(-1, 9, 5),
            np.arange(4)[1:3],
        ]
        chosen = random.permutation(len(pieces))[: random.integers(1, 5)]
        index = np.concatenate([pieces[piece] for piece in chosen])
        assert np.array_equal(taken(tf.constant(x), HEIGHT, index), with_zeros[:, index])
        covered = sum(count for _, count, _ in runs(index))
        assert covered == len(index)


def test_an_operation_that_is_not_known_is_named() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def smooth(picture: Any) -> Any:
        return tf.image.resize(picture, [20, 20])

    with pytest.raises(CannotMix, match="ResizeBilinear"):
        laid_out(smooth.get_concrete_function(), 40, 40, [])


def test_a_mean_over_the_rows_alone_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def uneven(picture: Any) -> Any:
        return picture - tf.reduce_mean(picture, 1, keepdims=True)

    with pytest.raises(CannotMix, match="axes"):
        laid_out(uneven.get_concrete_function(), 40, 40, [])
