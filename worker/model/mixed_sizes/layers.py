"""The known operations, as they act on pictures in the corners of larger buckets.

Within each picture the result is exactly that of the picture alone: what an operation reads beyond an edge (a
reflection, zeros) is taken by index from the picture itself, and a mean is over the picture's own pixels.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import tensorflow as tf

from worker.model.mixed_sizes.values import (
    AXES,
    CannotMix,
    Extent,
    PerPicture,
    Pictures,
    Slice,
    Tensor,
    at_least,
    column,
    known_sum,
    plus,
)

CHANNELS = 3  # axis
Operation = Any  # tf.Operation
Layer = Callable[[Operation, Sequence[Any]], Any]  # of Pictures, PerPicture, tensors and arrays
Source = Callable[[Tensor], Tensor]  # as of `Pictures.copied`

# fmt: off
ELEMENTWISE = (
    "Abs", "Add", "AddV2", "BiasAdd", "Cast", "ClipByValue", "Div", "DivNoNan", "Elu", "Exp", "Identity",
    "LeakyRelu", "Log", "Maximum", "Minimum", "Mul", "Neg", "Pow", "RealDiv", "Reciprocal", "Relu", "Relu6",
    "Rsqrt", "Selu", "Sigmoid", "Softplus", "Sqrt", "Square", "SquaredDifference", "StopGradient", "Sub",
    "Tanh",
)
# fmt: on


def call(operation: Operation, inputs: Sequence[Any]) -> Any:
    """Run an operation of a graph on other inputs, in the graph that is being built or at once."""
    definition, remaining = operation.op_def, list(inputs)
    function = getattr(tf.raw_ops, operation.type)
    names = list(inspect.signature(function).parameters)
    arguments: dict[str, Any] = {}
    for name, argument in zip(names, definition.input_arg, strict=False):  # some have other names here
        count = operation.get_attr(argument.number_attr) if argument.number_attr else None
        arguments[name] = remaining[:count] if count else remaining[0]
        remaining = remaining[count or 1 :]
    settings = {attribute.name for attribute in definition.attr} & set(names)
    return function(**arguments, **{name: _attribute(operation, name) for name in settings})


def elementwise(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    first = next(value for value in inputs if isinstance(value, Pictures))
    values = [value.values if isinstance(value, Pictures) else value for value in inputs]
    return first.with_values(call(operation, values))


def convolution(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    """Conv2D and DepthwiseConv2dNative: the zeros of "SAME" go around each picture; "VALID" is exact."""
    x: Pictures = inputs[0]
    kernel = inputs[1]
    padding, layout = _attribute(operation, "padding"), _attribute(operation, "data_format")
    if padding not in {"SAME", "VALID"} or layout != "NHWC":
        raise CannotMix(f"{operation.type} with padding {padding} and layout {layout}")
    strides, dilations = operation.get_attr("strides"), operation.get_attr("dilations")
    reach = {axis: (int(kernel.shape[axis - 1]) - 1) * dilations[axis] + 1 for axis in AXES}
    if padding == "SAME":
        for axis in AXES:
            x = _with_same_zeros(x, axis, reach[axis], strides[axis])
    if operation.type == "Conv2D":
        values = tf.nn.conv2d(x.values, kernel, strides, "VALID", dilations=dilations)
    else:
        values = tf.nn.depthwise_conv2d(x.values, kernel, strides, "VALID", dilations=dilations[1:3])
    return x.resized(values, lambda axis, extent: _after_convolution(extent, reach[axis], strides[axis]))


def _after_convolution(extent: Extent, reach: int, stride: int) -> Extent:
    if stride == 1:
        return extent.map(lambda n: plus(n, 1 - reach))
    smaller = extent.map(lambda n: (n - reach) // stride + 1)
    at_least(smaller.pictures, (known_sum(extent.pictures)[2] - reach) // stride + 1)
    return smaller


def _with_same_zeros(x: Pictures, axis: int, reach: int, stride: int) -> Pictures:
    """Pad as TensorFlow's "SAME" does; how much goes before depends on the picture's own size."""

    def in_all(size: Any) -> Any:
        return _larger((-(-size // stride) - 1) * stride + reach - size, 0)

    extent = x.extent(axis)
    before = extent.map(lambda size: in_all(size) // 2)
    after = extent.map(lambda size: in_all(size) - in_all(size) // 2)
    return _padded(x, axis, before, after)


def _padded(x: Pictures, axis: int, before: Extent, after: Extent) -> Pictures:
    """Put zeros around each picture."""
    own, first = x.extent(axis), before.pictures
    wider = x.copied(axis, before + own + after, lambda i: i - column(first))
    return wider.mask(axis, first, first + own.pictures)


def pad(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    """Pad and PadV2, with zeros, and MirrorPad."""
    x: Pictures = inputs[0]
    paddings = inputs[1]
    if operation.type == "PadV2" and np.any(_constant(operation, inputs[2])):
        raise CannotMix("PadV2 with another value than 0")
    for axis in (0, CHANNELS):
        part = _part(paddings, axis)
        if np.any(part.bucket if isinstance(part, PerPicture) else _constant(operation, part)):
            raise CannotMix(f"{operation.type} of the batch or the channels")
    for axis in AXES:
        before, after = (_extent(x, _part(paddings, axis), side) for side in (0, 1))
        if operation.type == "MirrorPad":
            x = _mirrored(x, axis, before, after, edge_twice=_attribute(operation, "mode") == "SYMMETRIC")
        else:
            x = _padded(x, axis, before, after)
    return x


def _mirrored(x: Pictures, axis: int, before: Extent, after: Extent, *, edge_twice: bool) -> Pictures:
    own, shift = x.extent(axis), int(edge_twice)

    def source(i: Tensor) -> Tensor:
        """A row before the first is -row; one behind the last, 2 * (rows - 1) - row; one further if twice."""
        row, last = i - column(before.pictures), column(own.pictures) - 1
        row = tf.where(row < 0, -row - shift, row)
        return tf.where(row > last, 2 * last - row + shift, row)

    return x.copied(axis, before + own + after, source)


def mean_or_sum(operation: Operation, inputs: Sequence[Any]) -> Any:
    """Mean and Sum over all pixels of each picture, or over its channels."""
    x: Pictures = inputs[0]
    axes = {int(axis) % 4 for axis in np.ravel(_constant(operation, inputs[1]))}
    if axes == {CHANNELS} and operation.get_attr("keep_dims"):
        return x.with_values(call(operation, [x.values, inputs[1]]))
    if axes != set(AXES):
        raise CannotMix(f"{operation.type} over the axes {sorted(axes)}")
    keep = operation.get_attr("keep_dims")
    total = tf.reduce_sum(x.own_pixels(), AXES, keepdims=keep)
    if operation.type == "Sum":
        return total
    pixels = tf.cast(x.heights * x.widths, total.dtype)
    return total / tf.reshape(pixels, [-1, 1, 1, 1] if keep else [-1, 1])


def nearest(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    """ResizeNearestNeighbor to a size that is given, or computed from the picture's own."""
    x: Pictures = inputs[0]
    size = inputs[1]
    half, corners = operation.get_attr("half_pixel_centers"), operation.get_attr("align_corners")
    for axis in AXES:
        own, new = x.extent(axis), _extent(x, size, axis - 1)
        x = x.copied(axis, new, _nearest_source(own.pictures, new.pictures, half=half, corners=corners))
    return x


def _nearest_source(own: Tensor, new: Tensor, *, half: bool, corners: bool) -> Callable[[Tensor], Tensor]:
    """Return the row that TensorFlow's kernel reads for each row (resize_nearest_neighbor_op.cc)."""
    wanted = tf.cast(new - 1 if corners else new, tf.float32)
    scale = tf.cast(own - 1 if corners else own, tf.float32) / tf.maximum(wanted, 1.0)

    def source(i: Tensor) -> Tensor:
        at = (tf.cast(i, tf.float32) + (0.5 if half else 0.0)) * column(scale)
        row = tf.cast(tf.floor(at + 0.5) if corners else tf.floor(at), tf.int32)
        return tf.minimum(row, column(own) - 1)

    return source


def depth_to_space(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    x: Pictures = inputs[0]
    block = operation.get_attr("block_size")
    return x.resized(call(operation, [x.values]), lambda _, extent: extent.map(lambda n: n * block))


def space_to_depth(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    x: Pictures = inputs[0]
    block = operation.get_attr("block_size")
    return x.resized(call(operation, [x.values]), lambda _, extent: extent.map(lambda n: n // block))


def concatenate(operation: Operation, inputs: Sequence[Any]) -> Pictures:
    """ConcatV2 of pictures: along the channels, or of rows or columns, each picture's next to each other."""
    parts: list[Pictures | Slice] = list(inputs[:-1])
    axis = int(_constant(operation, inputs[-1])) % 4
    if not all(isinstance(part, Pictures | Slice) for part in parts) or axis == 0:
        raise CannotMix("ConcatV2 of pictures and other tensors")
    bases = [part.base if isinstance(part, Slice) and part.axis == axis else part for part in parts]
    ends = list(accumulate(part.extent(axis) for part in parts)) if axis in AXES else []
    if ends and all(base is bases[0] for base in bases) and isinstance(bases[0], Pictures):
        sources = [part.source if isinstance(part, Slice) else tf.identity for part in parts]
        return bases[0].copied(axis, ends[-1], _one_after_the_other(sources, ends))
    copies = [part.pictures() if isinstance(part, Slice) else part for part in parts]
    values = tf.concat([copy.values for copy in copies], axis)
    if axis == CHANNELS:
        return copies[0].with_values(values)
    begins = [0, *(end.bucket for end in ends)]  # in `values`
    shifts = [lambda i, begin=begin: i + begin for begin in begins]
    return copies[0].with_values(values).copied(axis, ends[-1], _one_after_the_other(shifts, ends))


def _one_after_the_other(sources: Sequence[Source], ends: Sequence[Extent]) -> Source:
    """Return the source of joined parts; each begins, in each picture, where the one before it ends."""

    def source(i: Tensor) -> Tensor:
        row = sources[0](i)
        for part, end in zip(sources[1:], ends, strict=False):
            begin = column(end.pictures)
            row = tf.where(i >= begin, part(i - begin), row)
        return row

    return source


def strided_slice(operation: Operation, inputs: Sequence[Any]) -> Pictures | Slice:
    """StridedSlice of rows, columns and channels, by constants that count from the first or from the last."""
    x: Pictures | Slice = inputs[0]
    bounds = inputs[1:]
    begins, ends, steps = (np.ravel(_constant(operation, bound)).tolist() for bound in bounds)
    if any(operation.get_attr(f"{name}_mask") for name in ("ellipsis", "new_axis", "shrink_axis")):
        raise CannotMix("StridedSlice of pictures that changes the number of axes")
    open_begins, open_ends = operation.get_attr("begin_mask"), operation.get_attr("end_mask")
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        first, last = (None if open_begins >> axis & 1 else begin), (None if open_ends >> axis & 1 else end)
        if (first, last, step) == (None, None, 1):
            continue
        pictures = x.pictures() if isinstance(x, Slice) else x
        if axis in AXES:
            x = _sliced(pictures, axis, first, last, step)
        elif axis == CHANNELS:
            x = pictures.with_values(pictures.values[..., first:last:step])
        else:
            raise CannotMix("StridedSlice of the batch")
    return x


def _sliced(x: Pictures, axis: int, begin: int | None, end: int | None, step: int) -> Slice:
    """Slice each picture as Python slices a list of its length."""
    own = x.extent(axis)

    def first_and_rows(size: Any) -> tuple[Any, Any]:
        first = slice_bound(begin, size, step, default=0 if step > 0 else plus(size, -1))
        last = slice_bound(end, size, step, default=size if step > 0 else -1)
        return first, _rows(first, last, step)

    first, rows = first_and_rows(own.pictures)
    in_bucket = int(first_and_rows(own.bucket)[1])
    return Slice(x, axis, Extent(rows, in_bucket), lambda i: column(first) + i * step)


def slice_bound(bound: int | None, size: Any, step: int, *, default: Any) -> Any:
    """Return a bound of a slice as an index; `size` is a number or an array (Python's slice.indices)."""
    if bound is None:
        return default
    before_first = 0 if step > 0 else -1
    least = known_sum(size)[2] + before_first  # of `most`
    if bound >= 0:
        most = plus(size, before_first)
        return bound if bound <= least else _smaller(most, bound)
    index = plus(size, bound)
    return index if known_sum(size)[2] + bound >= before_first else _larger(index, before_first)


def _rows(first: Any, last: Any, step: int) -> Any:
    lower, upper = (first, last) if step > 0 else (last, first)
    bases = [known_sum(bound)[0] for bound in (lower, upper)]
    if bases[0] is bases[1]:
        steps = known_sum(upper)[1] - known_sum(lower)[1]
    elif bases[0] is None:
        steps = plus(upper, -lower)
    else:
        steps = upper - lower
    if step not in {1, -1}:
        steps = -(-steps // abs(step))
    certain = hasattr(steps, "known_sum") and known_sum(steps)[2] >= 0
    return steps if certain else _larger(steps, 0)


def _smaller(first: Any, second: Any) -> Any:
    return tf.minimum(first, second) if tf.is_tensor(first) or tf.is_tensor(second) else min(first, second)


def _larger(first: Any, second: Any) -> Any:
    return tf.maximum(first, second) if tf.is_tensor(first) or tf.is_tensor(second) else max(first, second)


def shape(operation: Operation, inputs: Sequence[Any]) -> PerPicture:
    """Shape of pictures: each picture's own."""
    x: Pictures = inputs[0]
    kind = operation.get_attr("out_type")
    batch, _, _, channels = tf.unstack(tf.shape(x.values))
    columns = [tf.fill([batch], batch), x.heights, x.widths, tf.fill([batch], channels)]
    bucket = [x.values.shape[0] or 1, *x.values.shape[1:].as_list()]
    return PerPicture(tf.cast(tf.stack(columns, 1), kind), np.array(bucket, kind.as_numpy_dtype))


LAYERS: Mapping[str, Layer] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), convolution),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), pad),
    **dict.fromkeys(("Mean", "Sum"), mean_or_sum),
    "ConcatV2": concatenate,
    "DepthToSpace": depth_to_space,
    "ResizeNearestNeighbor": nearest,
    "Shape": shape,
    "SpaceToDepth": space_to_depth,
    "StridedSlice": strided_slice,
}


def _attribute(operation: Operation, name: str) -> Any:
    value = operation.get_attr(name)
    return value.decode() if isinstance(value, bytes) else value


def _constant(operation: Operation, value: Any) -> Any:
    """Return numbers that are the same for all pictures and known while the graph is built."""
    known = None if isinstance(value, PerPicture) else tf.get_static_value(value)
    if known is None:
        raise CannotMix(f"{operation.type} with numbers that are computed from a picture or its size")
    return known


def _part(array: Any, index: int) -> Any:
    if isinstance(array, PerPicture):
        return PerPicture(array.values[:, index], array.bucket[index])
    return array[index]


def _extent(x: Pictures, numbers: Any, index: int) -> Extent:
    """A number of rows or columns out of an array: each picture's own, or the same for all."""
    part = _part(numbers, index)
    if isinstance(part, PerPicture):
        return Extent(tf.cast(part.values, tf.int32), int(part.bucket))
    return Extent(tf.zeros_like(x.heights) + tf.cast(part, tf.int32), int(tf.get_static_value(part)))
