"""Lays a frozen network out for a picture's size: its layers, their sizes, and the stages they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from worker.model.bands.rules import RULES
from worker.model.bands.values import Band, Layer, Recipe, Reduction, Small
from worker.model.mixed_sizes.layers import call
from worker.model.mixed_sizes.network import needed_operations
from worker.model.mixed_sizes.values import CannotMix


@dataclass(frozen=True)
class Layout:
    """A network for one size. `layers` and `small` are in an order in which they can be computed."""

    picture: Layer
    result: Layer
    layers: tuple[Layer, ...]
    small: tuple[Small, ...]

    @property
    def stages(self) -> range:
        return range(self.result.stage + 1)

    def reductions(self, stage: int) -> list[Reduction]:
        """Return the means and sums that are known once this stage has ended."""
        known = [each for each in self.small if isinstance(each, Reduction)]
        return [each for each in known if each.stage == stage + 1]

    @cached_property
    def last_use(self) -> dict[Layer, int]:
        """The last stage that reads each layer."""
        last = {layer: layer.stage for layer in self.layers}
        for reader in self.layers:
            for layer in reader.inputs:
                last[layer] = max(last[layer], reader.stage)
        return last

    def stored(self, stage: int) -> list[Layer]:
        """Return the layers of this stage that a later one reads."""
        return [
            layer
            for layer in self.layers
            if layer.stage == stage and layer is not self.picture and self.last_use[layer] > stage
        ]

    def stored_values(self) -> int:
        """Return the most values that are stored at a time, without the picture's own."""
        lives = [
            (stage, self.last_use[layer], layer.size) for stage in self.stages for layer in self.stored(stage)
        ]
        return max(
            sum(size for first, last, size in lives if first <= stage <= last) for stage in self.stages
        )


def laid_out(function: Any, height: int, width: int, others: Sequence[Any]) -> Layout:
    """Return the layout of a pruned concrete function whose first input is the picture.

    Args:
        others: the function's other inputs, with one row each.

    Raises:
        CannotMix: some of its operations cannot be computed by bands; the message names them.
    """
    first, *rest = function.inputs
    picture = Layer(height, width, 3, _never)
    values: dict[str, Any] = {first.name: picture}
    values |= {tensor.name: Small(value=value) for tensor, value in zip(rest, others, strict=True)}
    unknown = set[str]()
    for operation in needed_operations(function):
        if operation.outputs[0].name in values:
            continue
        inputs = [values.get(tensor.name) for tensor in operation.inputs]
        if any(value is None for value in inputs):  # follows from an unknown one
            continue
        result = _result(operation, inputs)
        if result is None:
            unknown.add(operation.type)
        results = result if isinstance(result, list | tuple) else [result]
        values |= {tensor.name: value for tensor, value in zip(operation.outputs, results, strict=False)}
    if unknown:
        raise CannotMix(f"no exact rewriting is known of {', '.join(sorted(unknown))}")
    result = values[function.outputs[0].name]
    if not isinstance(result, Layer):
        raise CannotMix("the result is not a picture")
    small = tuple(dict.fromkeys(each for each in values.values() if isinstance(each, Small)))
    return Layout(picture, result, _in_order(result, small), small)


def _result(operation: Any, inputs: Sequence[Any]) -> Any:
    if any(isinstance(value, Layer) for value in inputs):
        rule = RULES.get(operation.type)
        return rule(operation, inputs) if rule else None
    if operation.type == "Const":
        return tf.make_ndarray(operation.get_attr("value"))
    small = [value for value in inputs if isinstance(value, Small)]
    if not small:
        result = call(operation, inputs)
        return (
            [np.asarray(each) for each in result] if isinstance(result, list | tuple) else np.asarray(result)
        )

    def compute() -> Any:
        return call(operation, [value.value if isinstance(value, Small) else value for value in inputs])

    return Small(max(each.stage for each in small), compute=compute)


def _in_order(result: Layer, small: Sequence[Small]) -> tuple[Layer, ...]:
    """Return all layers that the result needs, each after its inputs."""
    roots = [result, *(each.layer for each in small if isinstance(each, Reduction))]
    order: dict[Layer, None] = {}
    waiting = [(root, False) for root in roots]
    while waiting:
        layer, inputs_done = waiting.pop()
        if inputs_done:
            order[layer] = None
        elif layer not in order:
            waiting += [(layer, True), *((each, False) for each in layer.inputs)]
    return tuple(order)


def _never(_: Band) -> Recipe:
    raise AssertionError("the picture is read, not computed")
