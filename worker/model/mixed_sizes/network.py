"""A frozen network, rewritten so that pictures of different sizes can share a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from worker.model.mixed_sizes.layers import LAYERS, call
from worker.model.mixed_sizes.values import (
    AXES,
    CannotMix,
    Extent,
    PerPicture,
    Pictures,
    Slice,
    Tensor,
    at_least,
)

TRIAL_SIDE = 64  # of the bucket in which a network is tried
UNKNOWN = object()  # the result of an operation that has no rewriting


class MixedSizes:
    """A network that gives each picture in a bucket the result that the picture has alone."""

    def __init__(self, function: Any, least_side: int) -> None:
        """`function` is a pruned concrete function whose first input is a batch of pictures.

        No picture may have a side below `least_side`.

        Raises:
            CannotMix: some of its operations have no exact rewriting; the message names them.
        """
        self._function = function
        self._operations = needed_operations(function)
        self._least_side = least_side
        side = tf.TensorSpec([None], tf.int32)
        others = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in function.inputs[1:]]
        trial = tf.function(self, autograph=False)
        trial.get_concrete_function(
            tf.TensorSpec([None, TRIAL_SIDE, TRIAL_SIDE, 3], tf.float32), side, side, *others
        )

    def __call__(
        self, contents: Tensor, heights: Tensor, widths: Tensor, *others: Tensor
    ) -> tuple[Tensor, Tensor]:
        """
        Args:
            contents: float32 [batch, bucket height, bucket width, 3], the pictures in the top left corners.
                All but the batch is static.
            heights, widths: int32 [batch].
            others: the other inputs of the network, with a row for each picture.

        Returns:
            The results, in the top left corners of [batch, height, width, 3]; and whether every size on the
            way fitted into its bucket. If one did not, the results are wrong.
        """
        first, *rest = self._function.inputs
        heights, widths = (at_least(tf.identity(size), self._least_side) for size in (heights, widths))
        values: dict[str, Any] = {first.name: Pictures(contents, heights, widths)}
        values |= {tensor.name: value for tensor, value in zip(rest, others, strict=True)}
        extents, unknown = dict[Any, Extent](), set[str]()  # most operations leave the extents as they are
        for operation in self._operations:
            if operation.outputs[0].name in values:
                continue
            result = _run(operation, [values[tensor.name] for tensor in operation.inputs])
            if result is UNKNOWN and not any(values[tensor.name] is UNKNOWN for tensor in operation.inputs):
                unknown.add(operation.type)
            if isinstance(result, Pictures | Slice):
                both = [result.extent(axis) for axis in AXES]
                own = [extent for extent in both if tf.is_tensor(extent.pictures)]
                extents |= {(extent.pictures.ref(), extent.bucket): extent for extent in own}
            results = result if isinstance(result, list | tuple) else [result]
            values |= {tensor.name: value for tensor, value in zip(operation.outputs, results, strict=False)}
        if unknown:
            raise CannotMix(f"no exact rewriting is known of {', '.join(sorted(unknown))}")
        result = values[self._function.outputs[0].name]
        result = result.pictures() if isinstance(result, Slice) else result
        if not isinstance(result, Pictures):
            raise CannotMix("the result is not a picture")
        fitting = [extent.pictures <= extent.bucket for extent in extents.values()]
        return result.values, tf.reduce_all(fitting)


def needed_operations(function: Any) -> list[Any]:
    """Return the operations that the output depends on, in an order in which they can be computed."""
    wanted, found = [function.outputs[0].op], set()
    while wanted:
        operation = wanted.pop()
        if operation not in found:
            found.add(operation)
            wanted += [tensor.op for tensor in operation.inputs]
    return [operation for operation in function.graph.get_operations() if operation in found]


def _run(operation: Any, inputs: Sequence[Any]) -> Any:
    if any(value is UNKNOWN for value in inputs):
        return UNKNOWN
    if operation.type != "ConcatV2":
        inputs = [value.pictures() if isinstance(value, Slice) else value for value in inputs]
    if any(isinstance(value, Pictures | Slice) for value in inputs):
        layer = LAYERS.get(operation.type)
        return layer(operation, inputs) if layer else UNKNOWN
    if any(isinstance(value, PerPicture) for value in inputs):
        return _of_sizes(operation, inputs)
    if operation.type == "Const":
        return tf.make_ndarray(operation.get_attr("value"))
    if inputs and not any(map(tf.is_tensor, inputs)):
        with tf.init_scope():
            return np.asarray(call(operation, inputs))
    return call(operation, inputs)


def _of_sizes(operation: Any, inputs: Sequence[Any]) -> Any:
    """Compute for each picture, and once for the bucket, what depends on sizes."""
    places = [index for index, value in enumerate(inputs) if isinstance(value, PerPicture)]
    if any(tf.is_tensor(value) for value in inputs):
        return UNKNOWN

    def with_sizes(sizes: Sequence[Any]) -> Any:
        changed = list(inputs)
        for index, size in zip(places, sizes, strict=True):
            changed[index] = size
        return call(operation, changed)

    values = tf.vectorized_map(with_sizes, [inputs[index].values for index in places])
    with tf.init_scope():
        return PerPicture(values, np.asarray(with_sizes([inputs[index].bucket for index in places])))
