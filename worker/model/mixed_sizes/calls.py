"""The model's calls for pictures of different sizes: into buckets, through the network, and out again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from worker.images.arrays import Picture, StyleParameters
from worker.model.mixed_sizes.buckets import Arrays, Bucket, filled
from worker.model.mixed_sizes.compiled import CompiledCalls
from worker.model.mixed_sizes.values import Pictures
from worker.model.padding import padded
from worker.model.pixels import as_floats, as_pixels
from worker.model.style_frontier import MixedPaint

# A batch is filled up to the next of these, as compiling takes seconds for each of them and each bucket. On
# an H200, a picture of 640 x 480 took 0.78 ms alone and 0.26 ms among eight; among 32 no less.
COMPILED_BATCHES = (1, 8)


class MixedCalls:
    """Paints batches in buckets, by compiled calls where they are ready."""

    def __init__(self, paint: MixedPaint, parameter_count: int, stride: int, min_side: int) -> None:
        """`paint` as SplitModel.mixed builds it; pads sides to `min_side` and to multiples of `stride`."""
        self._network = paint
        self._parameter_count = parameter_count
        self._stride, self._min_side = stride, min_side
        self._plain = cache(self._plain_call)
        self._compiled = CompiledCalls(self._compiled_call)

    def paint(
        self,
        contents: Sequence[Picture],
        parameters: Sequence[StyleParameters],
        bucket: Bucket,
        *,
        compiled: bool,
    ) -> tuple[list[Picture], bool] | None:
        """Paint pictures that share a bucket.

        Returns:
            Pictures of the contents' shapes, and whether all their values are finite; None if the network
            makes a picture larger on the way than its bucket, so that the bucket cannot serve it.
        """
        enlarged = [padded(content, self._min_side) for content in contents]
        inputs: Arrays = (*filled(enlarged, bucket, self._stride), np.stack(parameters))
        batch = next((size for size in COMPILED_BATCHES if size >= len(contents)), None)
        call = self._compiled.get((bucket, batch)) if compiled and batch else None
        if call and batch:
            inputs = tuple(_repeated(array, batch) for array in inputs)
        painted, finite, fits = (call or self._plain(bucket))(*map(tf.constant, inputs))
        if not fits:
            return None
        pictures = painted.numpy()
        return [
            pictures[index, : content.shape[0], : content.shape[1]] for index, content in enumerate(contents)
        ], bool(finite)

    def _plain_call(self, bucket: Bucket) -> Any:
        return tf.function(self._graph, autograph=False, input_signature=self._signature(bucket, None))

    def _compiled_call(self, shape: tuple[Bucket, int]) -> Any:
        signature = self._signature(*shape)
        call = tf.function(self._graph, autograph=False, input_signature=signature, jit_compile=True)
        call(*(tf.ones(spec.shape, spec.dtype) * 8 for spec in signature))  # compiles it
        return call

    def _signature(self, bucket: Bucket, batch: int | None) -> list[Any]:
        return [
            tf.TensorSpec([batch, *bucket, 3], tf.uint8),
            tf.TensorSpec([batch], tf.int32),
            tf.TensorSpec([batch], tf.int32),
            tf.TensorSpec([batch, self._parameter_count], tf.float32),
        ]

    def _graph(self, buckets: Any, heights: Any, widths: Any, parameters: Any) -> tuple[Any, Any, Any]:
        painted, fits = self._network(as_floats(buckets), heights, widths, parameters)
        height, width = buckets.shape[1:3]
        painted = painted[:, :height, :width]
        finite = tf.reduce_all(tf.math.is_finite(Pictures(painted, heights, widths).own_pixels()))
        return as_pixels(painted), finite, fits


def _repeated(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """Fill a batch up with its first row."""
    return np.concatenate([array, *[array[:1]] * (number - len(array))])
