"""The known operations, as they compute some rows of their result from some rows of their inputs.

Every size is known, so what an operation reads beyond an edge (a reflection, zeros) is an index of rows. A
band needs the rows that its index names, wherever they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.model.bands.values import CHANNELS, HEIGHT, NOTHING, WIDTH, Band, Layer, Recipe, Reduction, Small
from worker.model.mixed_sizes.layers import ELEMENTWISE, call
from worker.model.mixed_sizes.values import CannotMix

Operation = Any  # tf.Operation
Index = NDArray[np.int64]
Rule = Callable[[Operation, Sequence[Any]], Any]  # from layers, small tensors and arrays
ZERO = -1  # in an index: a row of zeros
FEW_RUNS = 8  # joined as slices, which is faster than a gather
Run = tuple[int, int, int]  # first index, count and step; a first index of ZERO means zeros


def elementwise(operation: Operation, inputs: Sequence[Any]) -> Layer:
    layers = tuple(value for value in inputs if isinstance(value, Layer))
    small = tuple(value for value in inputs if isinstance(value, Small))
    height, width = layers[0].height, layers[0].width
    if any((layer.height, layer.width) != (height, width) for layer in layers):
        raise CannotMix(f"{operation.type} of pictures of different sizes")
    channels = max(layer.channels for layer in layers)
    for tensor in operation.inputs:
        channels = max(channels, tensor.shape[-1] or 1 if tensor.shape.rank else 1)

    def compute(bands: Sequence[Any], values: Sequence[Any]) -> Any:
        of_layers, of_small = iter(bands), iter(values)
        arguments = [
            next(of_layers)
            if isinstance(value, Layer)
            else next(of_small)
            if isinstance(value, Small)
            else value
            for value in inputs
        ]
        return call(operation, arguments)

    return Layer(
        height, width, channels, lambda band: Recipe((band,) * len(layers), 0, compute), layers, small
    )


def convolution(operation: Operation, inputs: Sequence[Any]) -> Layer:
    """Conv2D and DepthwiseConv2dNative; the zeros of "SAME" are padded before."""
    x, kernel = inputs
    padding, layout = operation.get_attr("padding").decode(), operation.get_attr("data_format").decode()
    if padding not in {"SAME", "VALID"} or layout != "NHWC" or not isinstance(kernel, np.ndarray):
        raise CannotMix(f"{operation.type} with padding {padding} and layout {layout}")
    strides, dilations = operation.get_attr("strides"), operation.get_attr("dilations")
    reach = {axis: (kernel.shape[axis - 1] - 1) * dilations[axis] + 1 for axis in (HEIGHT, WIDTH)}
    if padding == "SAME":
        for axis in (HEIGHT, WIDTH):
            size, stride = _sides(x)[axis], strides[axis]
            zeros = max(0, (-(-size // stride) - 1) * stride + reach[axis] - size)
            x = mapped(x, axis, _padded(size, zeros // 2, zeros - zeros // 2))
    height, width = ((_sides(x)[axis] - reach[axis]) // strides[axis] + 1 for axis in (HEIGHT, WIDTH))
    depthwise = operation.type != "Conv2D"
    stride, tall = strides[HEIGHT], reach[HEIGHT]

    def compute(bands: Sequence[Any], _: Sequence[Any]) -> Any:
        if depthwise:
            return tf.nn.depthwise_conv2d(bands[0], kernel, strides, "VALID", dilations=dilations[1:3])
        return tf.nn.conv2d(bands[0], kernel, strides, "VALID", dilations=dilations)

    def recipe(band: Band) -> Recipe:
        return Recipe((Band(band.begin * stride, (band.end - 1) * stride + tall),), 0, compute)

    channels = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[3]
    return Layer(height, width, channels, recipe, (x,))


def pad(operation: Operation, inputs: Sequence[Any]) -> Layer:
    """Pad and PadV2, with zeros, and MirrorPad."""
    x, paddings = inputs[0], np.asarray(constant(operation, inputs[1]))
    if operation.type == "PadV2" and np.any(constant(operation, inputs[2])):
        raise CannotMix("PadV2 with another value than 0")
    if np.any(paddings[0]) or np.any(paddings[CHANNELS]):
        raise CannotMix(f"{operation.type} of the batch or the channels")
    mode = operation.get_attr("mode").decode().lower() if operation.type == "MirrorPad" else None
    for axis in (HEIGHT, WIDTH):
        before, after = paddings[axis].tolist()
        x = mapped(x, axis, _padded(_sides(x)[axis], before, after, mode))
    return x  # type: ignore[no-any-return]


def mean_or_sum(operation: Operation, inputs: Sequence[Any]) -> Layer | Reduction:
    """Mean and Sum over all pixels, or over the channels."""
    x: Layer = inputs[0]
    axes = {int(axis) % 4 for axis in np.ravel(constant(operation, inputs[1]))}
    keep = operation.get_attr("keep_dims")
    if axes == {CHANNELS} and keep:
        one = elementwise(operation, inputs)
        one.channels = 1
        return one
    if axes != {HEIGHT, WIDTH}:
        raise CannotMix(f"{operation.type} over the axes {sorted(axes)}")
    pixels = x.height * x.width if operation.type == "Mean" else 1
    shape = [1, 1, 1, -1] if keep else [1, -1]

    def finish(sums: Any) -> Any:
        return tf.reshape(tf.constant(sums / pixels, operation.outputs[0].dtype), shape)

    return Reduction(x.stage + 1, layer=x, finish=finish)


def nearest(operation: Operation, inputs: Sequence[Any]) -> Layer:
    """ResizeNearestNeighbor, with the rows that TensorFlow's kernel reads (resize_nearest_neighbor_op.cc)."""
    x: Layer = inputs[0]
    sides = constant(operation, inputs[1]).tolist()
    half, corners = operation.get_attr("half_pixel_centers"), operation.get_attr("align_corners")
    for axis, new in zip((HEIGHT, WIDTH), sides, strict=True):
        own = _sides(x)[axis]
        scale = np.float32(own - corners) / np.float32(max(new - corners, 1))
        at = (np.arange(new, dtype=np.float32) + np.float32(0.5 * half)) * scale
        rows = np.floor(at + np.float32(0.5 * corners)).astype(np.int64)
        x = mapped(x, axis, np.minimum(rows, own - 1))
    return x


def depth_to_space(operation: Operation, inputs: Sequence[Any]) -> Layer:
    x: Layer = inputs[0]
    block = operation.get_attr("block_size")

    def recipe(band: Band) -> Recipe:
        need = Band(band.begin // block, -(-band.end // block))
        first = band.begin - need.begin * block

        def compute(bands: Sequence[Any], _: Sequence[Any]) -> Any:
            return tf.nn.depth_to_space(bands[0], block)[:, first : first + len(band)]

        return Recipe((need,), first, compute)

    return Layer(x.height * block, x.width * block, x.channels // block**2, recipe, (x,))


def space_to_depth(operation: Operation, inputs: Sequence[Any]) -> Layer:
    x: Layer = inputs[0]
    block = operation.get_attr("block_size")

    def compute(bands: Sequence[Any], _: Sequence[Any]) -> Any:
        return tf.nn.space_to_depth(bands[0], block)

    def recipe(band: Band) -> Recipe:
        return Recipe((Band(band.begin * block, band.end * block),), 0, compute)

    return Layer(x.height // block, x.width // block, x.channels * block**2, recipe, (x,))


def concatenate(operation: Operation, inputs: Sequence[Any]) -> Layer:
    """ConcatV2 of pictures; of those one above the other, a band needs only the ones that it touches."""
    *parts, last = inputs
    axis = int(constant(operation, last)) % 4
    if not all(isinstance(part, Layer) for part in parts) or axis == 0:
        raise CannotMix("ConcatV2 of pictures and other tensors")
    parts = [part for part in parts if _sides(part)[axis]]
    ends = list(accumulate(part.height for part in parts))

    def compute(bands: Sequence[Any], _: Sequence[Any]) -> Any:
        present = [band for band in bands if band is not None]
        return present[0] if len(present) == 1 else tf.concat(present, axis)

    def recipe(band: Band) -> Recipe:
        if axis != HEIGHT:
            return Recipe((band,) * len(parts), 0, compute)
        starts = [0, *ends[:-1]]
        touched = [
            Band(max(band.begin, start) - start, min(band.end, end) - start)
            for start, end in zip(starts, ends, strict=True)
        ]
        return Recipe(tuple(part if len(part) else NOTHING for part in touched), 0, compute)

    sides = _sides(parts[0]) | {axis: sum(_sides(part)[axis] for part in parts)}
    return Layer(sides[HEIGHT], sides[WIDTH], sides[CHANNELS], recipe, tuple(parts))


def strided_slice(operation: Operation, inputs: Sequence[Any]) -> Layer:
    """StridedSlice of rows, columns and channels, by constants that count from the first or from the last."""
    x: Layer = inputs[0]
    if any(operation.get_attr(f"{name}_mask") for name in ("ellipsis", "new_axis", "shrink_axis")):
        raise CannotMix("StridedSlice of pictures that changes the number of axes")
    begins, ends, steps = (np.ravel(constant(operation, bound)).tolist() for bound in inputs[1:])
    open_begins, open_ends = operation.get_attr("begin_mask"), operation.get_attr("end_mask")
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        part = slice(None if open_begins >> axis & 1 else begin, None if open_ends >> axis & 1 else end, step)
        if part == slice(None, None, 1):
            continue
        if axis == 0:
            raise CannotMix("StridedSlice of the batch")
        x = mapped(x, axis, np.arange(_sides(x)[axis])[part])
    return x


def mapped(x: Layer, axis: int, index: Index) -> Layer:
    """Return a layer whose row (column, channel) i is row index[i] of x, or zeros where that is ZERO."""
    if np.array_equal(index, np.arange(_sides(x)[axis])):
        return x
    sides = _sides(x) | {axis: len(index)}

    def recipe(band: Band) -> Recipe:
        wanted, need = (index, band) if axis != HEIGHT else _needed(index[band.begin : band.end])
        return Recipe(
            (need,), wanted.tobytes() if axis == HEIGHT else 0, lambda bands, _: taken(bands[0], axis, wanted)
        )

    return Layer(sides[HEIGHT], sides[WIDTH], sides[CHANNELS], recipe, (x,))


def _needed(rows: Index) -> tuple[Index, Band]:
    """Return rows counted from the first that is needed, and the band of those that are needed."""
    known = rows[rows != ZERO]
    need = Band(int(known.min()), int(known.max()) + 1) if len(known) else Band(0, 1)
    return np.where(rows == ZERO, ZERO, rows - need.begin), need


def taken(x: Any, axis: int, index: Index) -> Any:
    """Return the rows (columns, channels) of a tensor that `index` names."""
    if np.array_equal(index, np.arange(x.shape[axis])):
        return x
    found = runs(index)
    if len(found) <= FEW_RUNS:
        parts = [_run(x, axis, run) for run in found]
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis)
    zeros = _run(x, axis, (ZERO, 1, 1))
    with_zeros = tf.concat([x, zeros], axis) if np.any(index == ZERO) else x
    return tf.gather(with_zeros, np.where(index == ZERO, x.shape[axis], index), axis=axis)


def runs(index: Index) -> list[Run]:
    """Split an index into runs of equal steps 1 or -1, and runs of zeros."""
    found: list[Run] = []
    for value in index.tolist():
        first, count, step = found[-1] if found else (0, 0, 0)
        if count and value == first == ZERO:
            found[-1] = (ZERO, count + 1, 1)
        elif count == 1 and ZERO not in (value, first) and abs(value - first) == 1:
            found[-1] = (first, 2, value - first)
        elif count > 1 and ZERO not in (value, first) and value == first + count * step:
            found[-1] = (first, count + 1, step)
        else:
            found.append((value, 1, 1))
    return found


def _run(x: Any, axis: int, run: Run) -> Any:
    first, count, step = run
    before = (slice(None),) * axis
    if first == ZERO:
        shape = x.shape.as_list()
        return tf.zeros([*shape[:axis], count, *shape[axis + 1 :]], x.dtype)
    last = first + count * step
    return x[(*before, slice(first, last if last >= 0 else None, step))]


def _padded(size: int, before: int, after: int, mode: str | None = None) -> Index:
    index = np.arange(size)
    if mode == "reflect":
        return np.pad(index, (before, after), mode="reflect")
    if mode == "symmetric":
        return np.pad(index, (before, after), mode="symmetric")
    return np.pad(index, (before, after), constant_values=ZERO)


def _sides(x: Layer) -> dict[int, int]:
    return {HEIGHT: x.height, WIDTH: x.width, CHANNELS: x.channels}


def shape(operation: Operation, inputs: Sequence[Any]) -> Any:
    x: Layer = inputs[0]
    return np.array([1, x.height, x.width, x.channels], operation.get_attr("out_type").as_numpy_dtype)


def constant(operation: Operation, value: Any) -> Any:
    """Return numbers that are known before any pixel is."""
    if not isinstance(value, np.ndarray):
        raise CannotMix(f"{operation.type} with numbers that are computed from a picture")
    return value


RULES: Mapping[str, Rule] = {
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
