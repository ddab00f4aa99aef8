"""A network that paints one picture band by band, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Any

import tensorflow as tf

from worker.images.arrays import Picture
from worker.model.bands.layout import Layout, laid_out
from worker.model.bands.limits import BandLimits
from worker.model.bands.program import Outputs, Program
from worker.model.bands.store import Stores
from worker.model.bands.values import Band, Layer

TRIAL_SIDE = 1024  # for which the memory of layers is counted
TRACES_KEPT = 4  # bands of a stage that compute alike: first, middle, last, and one to spare


class HalfTooSmall(Exception):
    """A stored value is beyond the range of float16."""


class NotFinite(Exception):
    """The result has values that are not numbers."""


class BandedNetwork:
    """A network that is cut at its means over the whole picture; between them it runs on bands of rows.

    A stage reads stored layers, computes the layers up to the next means, and stores what later stages read.
    The sums for the means are added up meanwhile, in float64. So the result is that of the whole picture.
    """

    def __init__(self, function: Any, split_parameters: Callable[[Any], Sequence[Any]]) -> None:
        """`function` is a pruned concrete function whose first input is a batch of pictures.

        `split_parameters` returns its other inputs for a style's parameters [1, count].

        Raises:
            CannotMix: some of its operations cannot be computed by bands; the message names them.
        """
        self._function = function
        self._split = split_parameters
        self.half = True  # whether stored layers are float16
        trial = laid_out(function, TRIAL_SIDE, TRIAL_SIDE, [None] * (len(function.inputs) - 1))
        self.values_per_pixel = trial.stored_values() / TRIAL_SIDE**2

    @property
    def bytes_per_pixel(self) -> float:
        """Return the most bytes that are stored for each pixel of the picture."""
        return self.values_per_pixel * (2 if self.half else 4)

    def steps(
        self,
        size: tuple[int, int],
        parameters: Any,
        read: Callable[[Band], Picture],
        write: Callable[[int, Picture], None],
        limits: BandLimits,
    ) -> Generator[float]:
        """Paint a picture; after each band yield the fraction that is done.

        Args:
            size: height and width, which suit the network.
            parameters: of the style, [1, count].
            read: returns rows of the picture.
            write: gets the first row and the pixels of each band of the result, from top to bottom.

        Raises:
            NotFinite: the result has values that are not numbers.
        """
        if self.half:
            try:
                yield from self._run(size, parameters, read, write, limits).steps()
            except HalfTooSmall:
                self.half = False
            else:
                return
        yield from self._run(size, parameters, read, write, limits).steps()

    def _run(
        self,
        size: tuple[int, int],
        parameters: Any,
        read: Callable[[Band], Picture],
        write: Callable[[int, Picture], None],
        limits: BandLimits,
    ) -> _Run:
        layout = laid_out(self._function, *size, self._split(parameters))
        return _Run(layout, read, write, limits, half=self.half)


class _Run:
    """One picture on its way through the network."""

    def __init__(
        self,
        layout: Layout,
        read: Callable[[Band], Picture],
        write: Callable[[int, Picture], None],
        limits: BandLimits,
        *,
        half: bool,
    ) -> None:
        self._layout, self._read, self._write, self._half = layout, read, write, half
        self._limits = limits
        self._stores = Stores(limits.memory_bytes, limits.folder, half=half)

    def steps(self) -> Generator[float]:
        layout = self._layout
        work = [sum(layer.size for layer in layout.layers if layer.stage == stage) for stage in layout.stages]
        done = 0
        try:
            for stage in layout.stages:
                for share in self._stage(stage):
                    yield (done + share * work[stage]) / sum(work)
                done += work[stage]
        finally:
            self._stores.close()

    def _stage(self, stage: int) -> Generator[float]:
        layout = self._layout
        for small in layout.small:
            if small.stage == stage and small.compute:
                small.value = small.compute()
        for layer in layout.stored(stage):
            self._stores.add(layer)
        sums: dict[Layer, Any] = {}
        traced: dict[Hashable, Any] = {}
        programs = [Program(layout, stage, outputs, half=self._half) for outputs in self._outputs(stage)]
        for number, program in enumerate(programs, 1):
            self._run(program, sums, traced)
            self._forget(stage, programs[number:])
            yield number / len(programs)
        for reduction in layout.reductions(stage):
            reduction.value = reduction.finish(sums[reduction.layer])

    def _outputs(self, stage: int) -> list[Outputs]:
        """Return what each band of the stage gives; the bands of all its layers cover about the same."""
        layout = self._layout
        kinds = (
            layout.stored(stage),
            [reduction.layer for reduction in layout.reductions(stage)],
            [layout.result] if layout.result.stage == stage else [],
        )
        lowest = min((layer.height for kind in kinds for layer in kind), default=0)
        if not lowest:
            return []
        pixels = layout.picture.height * layout.picture.width
        rows = max(1, lowest * self._limits.band_pixels // pixels)
        count = -(-lowest // rows)
        return [
            Outputs(*({layer: _part(layer, number, count, rows, lowest) for layer in kind} for kind in kinds))
            for number in range(count)
        ]

    def _run(self, program: Program, sums: dict[Layer, Any], traced: dict[Hashable, Any]) -> None:
        reads = [tf.constant(self._rows(layer, band)) for layer, band in program.reads.items()]
        small = [small.value for small in program.small]
        key = program.key
        if key not in traced:
            if len(traced) >= TRACES_KEPT:
                traced.clear()
            traced[key] = program.traced(reads, small)
        (rows, fit), totals, painted = traced[key](reads, small)
        if not fit:
            raise HalfTooSmall
        for layer, values in zip(program.outputs.stored, rows, strict=True):
            self._stores[layer].write(values.numpy())
        for layer, total in zip(program.outputs.summed, totals, strict=True):
            sums[layer] = sums.get(layer, 0.0) + total.numpy()
        for band, (pixels, finite) in zip(program.outputs.painted.values(), painted, strict=True):
            if not finite:
                raise NotFinite
            self._write(band.begin, pixels.numpy()[0])

    def _rows(self, layer: Layer, band: Band) -> Any:
        return self._read(band)[None] if layer is self._layout.picture else self._stores[layer].read(band)

    def _forget(self, stage: int, remaining: Sequence[Program]) -> None:
        """Give up rows that neither the next bands nor later stages read."""
        for layer in self._stores.layers():
            if self._layout.last_use[layer] > stage:
                continue
            if not remaining:
                self._stores.drop(layer)
                continue
            begins = [program.reads[layer].begin for program in remaining if layer in program.reads]
            self._stores[layer].forget_before(min(begins, default=layer.height))


def _part(layer: Layer, number: int, count: int, rows: int, lowest: int) -> Band:
    """Return band `number` of `count`, for a layer that may be higher than the lowest of its stage.

    Where the layers' heights are multiples, so are the bands, and most need the same of their inputs.
    """
    if layer.height % lowest == 0:
        times = layer.height // lowest
        return Band(number * rows * times, min((number + 1) * rows, lowest) * times)
    return Band(layer.height * number // count, layer.height * (number + 1) // count)
