"""The model's calls for pictures of different sizes: into buckets, through the network, and out again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from worker.images.arrays import Picture, StyleParameters
from worker.model.mixed_sizes.buckets import Arrays, Bucket, filled
from worker.model.mixed_sizes.compiled import Call, CompiledCalls
from worker.model.mixed_sizes.kept import with_lasting_name
from worker.model.mixed_sizes.values import Pictures
from worker.model.padding import padded
from worker.model.pixels import as_floats, as_pixels
from worker.model.style_frontier import MixedPaint

MAX_BATCH = 32  # on an H200, more pictures of 640 x 480 were no faster than 8
WASTEFUL = 2  # times the area that pictures need: then a call of their own is worth seconds of compiling
Shape = tuple[Bucket, int]  # the bucket, and how many pictures


class MixedCalls:
    """Paints batches in buckets, by calls that are compiled when their bucket is used.

    A bucket has at most one compiled call, for the largest batch that `pixel_budget` allows. Smaller batches
    leave rows empty. That takes as long, but each further shape would be compiled for seconds.
    """

    def __init__(
        self,
        paint: MixedPaint,
        parameter_count: int,
        stride: int,
        min_side: int,
        model: str,
        pixel_budget: int,
    ) -> None:
        """`paint` as SplitModel.mixed builds it; pads sides to `min_side` and to multiples of `stride`.

        `model` names the model's weights. A batch of more than `pixel_budget` pixels is no faster.
        """
        self._pixel_budget = pixel_budget
        self._model = hashlib.sha256(model.encode()).hexdigest()[:16]
        self._network = paint
        self._parameter_count = parameter_count
        self._stride, self._min_side = stride, min_side
        self._compiled = CompiledCalls(self._compile)

    def paint(
        self,
        contents: Sequence[Picture],
        parameters: Sequence[StyleParameters],
        bucket: Bucket,
    ) -> tuple[list[Picture], bool] | None:
        """Paint pictures that share a bucket.

        Returns:
            Pictures of the contents' shapes, and whether all their values are finite; None if no call is
            compiled yet, or if the network makes a picture larger on the way than its bucket, so that the
            bucket cannot serve it.
        """
        serving = self._serving(bucket)
        if serving is None:
            return None
        (_, batch), _ = serving
        pictures: list[Picture] = []
        all_finite = True
        for begin in range(0, len(contents), batch):
            part = slice(begin, begin + batch)
            painted, finite, fits = self._call(contents[part], parameters[part], *serving)
            if not fits:
                return None
            pictures += painted
            all_finite = all_finite and finite
        return pictures, all_finite

    def _serving(self, bucket: Bucket) -> tuple[Shape, Call] | None:
        """Return the smallest compiled call whose bucket holds this one.

        Both give the same result, so the bucket's own is compiled only from WASTEFUL times its area on.
        """
        ready = self._compiled.ready()
        holding = [shape for shape in ready if shape[0][0] >= bucket[0] and shape[0][1] >= bucket[1]]
        smallest = min(holding, key=lambda shape: _area(shape[0]), default=None)
        if smallest is None or _area(smallest[0]) >= WASTEFUL * _area(bucket):
            self._compiled.want((bucket, batch_of(bucket, self._pixel_budget)))
        return (smallest, ready[smallest]) if smallest else None

    def _call(
        self, contents: Sequence[Picture], parameters: Sequence[StyleParameters], shape: Shape, call: Call
    ) -> tuple[list[Picture], bool, bool]:
        bucket, batch = shape
        enlarged = [padded(content, self._min_side) for content in contents]
        styles = np.zeros((batch, self._parameter_count), np.float32)
        styles[: len(contents)] = parameters
        inputs: Arrays = (*filled(enlarged, bucket, self._stride, batch), styles)
        painted, finite, fits = call(*map(tf.constant, inputs))
        pictures = painted.numpy()
        return (
            [pictures[i, : content.shape[0], : content.shape[1]] for i, content in enumerate(contents)],
            bool(finite.numpy()[: len(contents)].all()),
            bool(fits),
        )

    def _compile(self, shape: Shape) -> Any:
        (height, width), batch = shape
        signature = self._signature(*shape)
        graph = tf.function(self._graph, autograph=False, input_signature=signature, jit_compile=True)
        call = with_lasting_name(graph, f"mixed_{self._model}_{height}x{width}x{batch}")
        call(*(tf.ones(spec.shape, spec.dtype) * self._min_side for spec in signature))  # compiles it
        return call

    def _signature(self, bucket: Bucket, batch: int) -> list[Any]:
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
        own = Pictures(painted, heights, widths).own_pixels()
        finite = tf.reduce_all(tf.math.is_finite(own), [1, 2, 3])
        return as_pixels(painted), finite, fits


def batch_of(bucket: Bucket, pixel_budget: int) -> int:
    """Return how many pictures a compiled call of a bucket takes."""
    return max(1, min(MAX_BATCH, pixel_budget // _area(bucket)))


def _area(bucket: Bucket) -> int:
    return bucket[0] * bucket[1]
