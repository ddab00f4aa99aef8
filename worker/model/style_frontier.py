"""Cuts a Hub-format model in two: style picture -> style parameters, and content + parameters -> picture.

The model's graph is frozen and walked from both inputs. Tensors that depend on the style alone and enter an
operation that depends on the content form the style frontier; the content's half depends on the style only
by them. So a style is computed once and not once per picture, and the weighted sum of two styles' parameters
is a style between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from worker.model.mixed_sizes.network import MixedSizes

INPUTS = 2  # content and style, in the order of their names: `placeholder`, `placeholder_1`

Tensor = Any  # tf.Tensor
MixedPaint = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class SplitModel:
    """The halves of a model, as functions of float32 tensors.

    style_parameters: [batch, side, side, 3] in [0, 1] -> [batch, parameter_count]
    paint: [batch, height, width, 3] in [0, 1] and [batch, parameter_count] -> [batch, height, width, 3]
    mixed: builds, in seconds, the same for pictures of different sizes, with no side below a number, in
        equal buckets (see MixedSizes):
        buckets, heights, widths and parameters -> buckets, and whether all fitted. Raises CannotMix.
    content_half, parts_of: of `paint`, the graph and its inputs beside the content: parameters -> tensors.
    """

    style_parameters: Callable[[Tensor], Tensor]
    paint: Callable[[Tensor, Tensor], Tensor]
    parameter_count: int
    mixed: Callable[[int], MixedPaint]
    content_half: Any
    parts_of: Callable[[Tensor], list[Tensor]]


def split(model: Any) -> SplitModel | None:
    """Return the halves of a loaded SavedModel; None if its graph cannot be cut this way."""
    signature = getattr(model, "signatures", {}).get("serving_default")
    if signature is None or len(signature.structured_input_signature[1]) != INPUTS:
        return None
    frozen = convert_variables_to_constants_v2(signature)
    content, style = sorted(frozen.inputs, key=lambda tensor: str(tensor.name))
    frontier = _frontier(frozen.graph, content.op, style.op)
    if not frontier or not all(_is_batch_of_vectors(tensor) for tensor in frontier):
        return None
    return _halves(frozen, content, style, frontier)


def _frontier(graph: Any, content: Any, style: Any) -> list[Tensor]:
    """Find the frontier in one pass, because operations come in topological order."""
    on_content, on_style = {content}, {style}
    frontier: dict[str, Tensor] = {}
    for operation in graph.get_operations():
        sources = {tensor.op for tensor in operation.inputs} | set(operation.control_inputs)
        if sources & on_style:
            on_style.add(operation)
        if sources & on_content:
            on_content.add(operation)
            entering = [tensor for tensor in operation.inputs if tensor.op in on_style - on_content]
            frontier |= {tensor.name: tensor for tensor in entering}
    return list(frontier.values())


def _is_batch_of_vectors(tensor: Tensor) -> bool:
    """Return whether the rows of several styles can be stacked."""
    shape = tensor.shape
    is_float = tensor.dtype == tf.float32
    return bool(is_float and shape.rank and shape[0] is None and shape[1:].is_fully_defined())


def _halves(frozen: Any, content: Tensor, style: Tensor, frontier: list[Tensor]) -> SplitModel:
    style_half = frozen.prune(style, frontier)
    content_half = frozen.prune([content, *frontier], frozen.outputs[0])
    shapes = [tensor.shape[1:].as_list() for tensor in frontier]
    sizes = [prod(shape) for shape in shapes]

    def style_parameters(styles: Tensor) -> Tensor:
        parts = style_half(styles)
        return tf.concat([tf.reshape(part, [-1, size]) for part, size in zip(parts, sizes, strict=True)], 1)

    def parts_of(parameters: Tensor) -> list[Tensor]:
        parts = zip(tf.split(parameters, sizes, 1), shapes, strict=True)
        return [tf.reshape(part, [-1, *shape]) for part, shape in parts]

    def paint(contents: Tensor, parameters: Tensor) -> Tensor:
        return content_half(contents, *parts_of(parameters))

    def mixed(least_side: int) -> MixedPaint:
        network = MixedSizes(content_half, least_side)
        return lambda buckets, heights, widths, parameters: network(
            buckets, heights, widths, *parts_of(parameters)
        )

    return SplitModel(style_parameters, paint, sum(sizes), mixed, content_half, parts_of)
