"""The values that flow through a network whose pictures have different sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

HEIGHT, WIDTH = 1, 2  # axes
AXES = (HEIGHT, WIDTH)
Tensor = Any  # tf.Tensor


class CannotMix(Exception):
    """The network has an operation whose result is not known to be exact within a larger bucket."""


def at_least(size: Tensor, least: int) -> Tensor:
    """Record a lower bound for a new tensor of sizes."""
    size.known_sum = size, 0, least
    return size


def known_sum(size: Any) -> tuple[Any, int, int]:
    """Return a size's base tensor, its offset from it, and its lower bound."""
    if not tf.is_tensor(size):
        return None, size, size
    return getattr(size, "known_sum", (size, 0, 0))


def plus(size: Any, number: int) -> Any:
    """Add a number to sizes, so that equal sums of one base are one tensor.

    A network's layers make a picture larger and smaller by turns. As sums of sums their sizes would be
    computed again in each kernel that depends on them, which doubled the time of compiling.
    """
    base, offset, least = known_sum(size)
    if base is None:
        return size + number
    if offset + number == 0:
        return base
    sums = base.__dict__.setdefault("known_sums", {})
    if offset + number not in sums:
        sums[offset + number] = base + (offset + number)
        sums[offset + number].known_sum = base, offset + number, least + number
    return sums[offset + number]


def column(size: Any) -> Any:
    """Return sizes [batch] as [batch, 1]; TensorFlow's slices would take longer to trace and to compile."""
    return tf.expand_dims(size, 1) if tf.is_tensor(size) else size


def row_numbers(rows: int) -> Tensor:
    return tf.expand_dims(tf.range(rows), 0)


@dataclass(frozen=True)
class Extent:
    """A number of rows or columns: int32 [batch] of each picture, or a number for all, and of the bucket."""

    pictures: Any
    bucket: int

    def map(self, function: Callable[[Any], Any]) -> Extent:
        return Extent(function(self.pictures), int(function(self.bucket)))

    def __add__(self, other: Extent) -> Extent:
        if tf.is_tensor(other.pictures) and tf.is_tensor(self.pictures):
            return Extent(self.pictures + other.pictures, self.bucket + other.bucket)
        size, number = (self, other) if tf.is_tensor(self.pictures) else (other, self)
        return Extent(plus(size.pictures, number.pictures), self.bucket + other.bucket)


@dataclass(frozen=True)
class Pictures:
    """Pictures in the top left corners of equal buckets. Beyond its picture a bucket holds finite numbers.

    values: [batch, bucket height, bucket width, channels]; the last three are static.
    heights, widths: int32 [batch], of the pictures.
    """

    values: Tensor
    heights: Tensor
    widths: Tensor

    def extent(self, axis: int) -> Extent:
        return Extent(self.heights if axis == HEIGHT else self.widths, int(self.values.shape[axis]))

    def with_values(self, values: Tensor) -> Pictures:
        """Return other values of the same sizes."""
        return replace(self, values=values)

    def resized(self, values: Tensor, sizes: Callable[[int, Extent], Extent]) -> Pictures:
        """Return other values, whose sizes are a function of the axis and of the size along it."""
        heights, widths = (sizes(axis, self.extent(axis)) for axis in AXES)
        if [heights.bucket, widths.bucket] != values.shape[1:3].as_list():
            raise CannotMix("a size that is not a function of the sizes before it")
        return Pictures(values, heights.pictures, widths.pictures)

    def copied(self, axis: int, extent: Extent, source: Callable[[Tensor], Tensor]) -> Pictures:
        """Return pictures of another extent along `axis`, whose row (column) i is row `source(i)` of these.

        `source` maps int32 [1, bucket] to [1 or batch, bucket]. Beyond a picture it may give any index.
        """
        index = source(row_numbers(extent.bucket))
        index = tf.clip_by_value(index, 0, self.extent(axis).bucket - 1)
        if index.shape[0] == 1:  # the same rows of all
            values = tf.gather(self.values, index[0], axis=axis)
        else:
            values = tf.gather(self.values, index, axis=axis, batch_dims=1)
        shape = self.values.shape.as_list()
        values = tf.ensure_shape(values, [*shape[:axis], extent.bucket, *shape[axis + 1 :]])
        sizes = (
            extent.pictures if tf.is_tensor(extent.pictures) else tf.zeros_like(self.heights) + extent.bucket
        )
        return replace(self, values=values, **{"heights" if axis == HEIGHT else "widths": sizes})

    def mask(self, axis: int, begin: Tensor, end: Tensor) -> Pictures:
        """Set rows (columns) before `begin` and from `end` on to zero; both are int32 [batch]."""
        index = row_numbers(self.extent(axis).bucket)
        inside = (index >= column(begin)) & (index < column(end))
        return self.with_values(tf.where(_along(axis, inside), self.values, tf.zeros([], self.values.dtype)))

    def own_pixels(self) -> Tensor:
        """Return the values with zeros beyond each picture."""
        cut = self
        for axis in AXES:
            own = cut.extent(axis).pictures
            cut = cut.mask(axis, tf.zeros_like(own), own)
        return cut.values


@dataclass(frozen=True)
class Slice:
    """Rows (columns) of pictures that are not copied yet.

    A reflection that a model builds from slices is thus one copy, not one for each slice and one of them all.
    """

    base: Pictures
    axis: int
    rows: Extent
    source: Callable[[Tensor], Tensor]  # as of `Pictures.copied`

    def extent(self, axis: int) -> Extent:
        return self.rows if axis == self.axis else self.base.extent(axis)

    def pictures(self) -> Pictures:
        return self.base.copied(self.axis, self.rows, self.source)


@dataclass(frozen=True)
class PerPicture:
    """Numbers computed from each picture's size, [batch, ...], and from the bucket's, [...]."""

    values: Tensor
    bucket: Tensor


def _along(axis: int, values: Tensor) -> Tensor:
    return tf.expand_dims(tf.expand_dims(values, 3 - axis), 3)
