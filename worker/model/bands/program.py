"""The computation of one band of a stage, traced once for all bands that need the same of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from worker.model.bands.layout import Layout
from worker.model.bands.values import NOTHING, Band, Layer, Recipe, Small
from worker.model.mixed_sizes.values import CannotMix
from worker.model.pixels import as_floats, as_pixels

LARGEST_HALF = 65_504.0


@dataclass(frozen=True)
class Outputs:
    """The results that a band of a stage gives, each layer with the rows that this band is for."""

    stored: Mapping[Layer, Band]
    summed: Mapping[Layer, Band]
    painted: Mapping[Layer, Band]  # the result of the network, at its stage

    def rows(self) -> dict[Layer, Band]:
        return {**self.stored, **self.summed, **self.painted}


class Program:
    """The steps for one band: which rows to read of which layers, and the computation."""

    def __init__(self, layout: Layout, stage: int, outputs: Outputs, *, half: bool) -> None:
        """With `half` the layers to store come out in float16."""
        self.outputs, self._half = outputs, half
        self._hulls: dict[Layer, Band] = dict(outputs.rows())
        self._recipes: dict[Layer, Recipe] = {}
        self.reads: dict[Layer, Band] = {}  # of the picture, and of layers that are stored
        for layer in reversed(layout.layers):
            band = self._hulls.get(layer, NOTHING)
            if not len(band):
                continue
            if layer is layout.picture or layer.stage < stage:
                self.reads[layer] = band
                continue
            recipe = self._recipes[layer] = layer.recipe(band)
            for source, need in zip(layer.inputs, recipe.needs, strict=True):
                self._hulls[source] = self._hulls.get(source, NOTHING).hull(need)
        self._order = [layer for layer in layout.layers if layer in self._recipes]
        self._places = {layer: place for place, layer in enumerate(layout.layers)}
        self._picture = layout.picture
        self.small = tuple(dict.fromkeys(small for layer in self._order for small in layer.small))

    @property
    def key(self) -> Hashable:
        """Return what distinguishes computations; bands in the middle of a picture have equal ones."""
        steps = tuple(
            (
                self._places[layer],
                recipe.key,
                len(self._hulls[layer]),
                tuple(self._within(source, need) for source, need in self._sources(layer)),
            )
            for layer, recipe in ((layer, self._recipes[layer]) for layer in self._order)
        )
        read = tuple((self._places[layer], len(band)) for layer, band in self.reads.items())
        kept = tuple(
            (self._places[layer], self._within(layer, band)) for layer, band in self.outputs.rows().items()
        )
        return steps, read, kept

    def traced(self, reads: Sequence[Any], small: Sequence[Any]) -> Callable[..., Any]:
        """Return the computation, for tensors of `reads` and values of `small` like these.

        It returns, for the outputs in their order: layers to store, and whether they fit in half precision;
        the sums of channels, float64; and pairs of pixels and whether all are finite.
        """
        graph = tf.function(self._computed, autograph=False)
        return graph.get_concrete_function(list(reads), list(small))  # type: ignore[no-any-return]

    def _computed(self, reads: Sequence[Any], small: Sequence[Any]) -> tuple[Any, ...]:
        values: dict[Layer, Any] = dict(zip(self.reads, reads, strict=True))
        values = {
            layer: as_floats(value) if layer is self._picture else tf.cast(value, tf.float32)
            for layer, value in values.items()
        }
        of_small: dict[Small, Any] = dict(zip(self.small, small, strict=True))
        for layer in self._order:
            bands = [
                values[source][:, slice(*self._within(source, need))] if len(need) else None
                for source, need in self._sources(layer)
            ]
            value = self._recipes[layer].compute(bands, [of_small[each] for each in layer.small])
            expected = [1, len(self._hulls[layer]), layer.width, layer.channels]
            if value.shape.as_list() != expected:
                raise CannotMix(f"a layer of {value.shape} that should have been {expected}")
            values[layer] = value

        def rows(bands: Mapping[Layer, Band]) -> list[Any]:
            return [values[layer][:, slice(*self._within(layer, band))] for layer, band in bands.items()]

        return (
            self._as_stored(rows(self.outputs.stored)),
            list(map(_sums, rows(self.outputs.summed))),
            [
                (as_pixels(painted), tf.reduce_all(tf.math.is_finite(painted)))
                for painted in rows(self.outputs.painted)
            ],
        )

    def _as_stored(self, layers: list[Any]) -> tuple[list[Any], Any]:
        if not self._half:
            return layers, tf.constant(value=True)
        fitting = [tf.reduce_max(tf.abs(layer)) <= LARGEST_HALF for layer in layers]
        return [tf.cast(layer, tf.float16) for layer in layers], tf.reduce_all(fitting)

    def _sources(self, layer: Layer) -> list[tuple[Layer, Band]]:
        return list(zip(layer.inputs, self._recipes[layer].needs, strict=True))

    def _within(self, layer: Layer, band: Band) -> tuple[int, int]:
        """Return the rows of a band, counted from the first that this program has of the layer."""
        first = self._hulls[layer].begin
        return (band.begin - first, band.end - first) if len(band) else (0, 0)


def _sums(rows: Any) -> Any:
    """Return the sums of the channels. A row is summed in float32, which is exact enough; the rest is not."""
    return tf.reduce_sum(tf.cast(tf.reduce_sum(rows, 2), tf.float64), [0, 1])
