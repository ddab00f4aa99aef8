"""The method of Gatys et al. as jobs use it; this module loads neither TensorFlow nor a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.wire.loss_records import CurvePoint, LossReport, Optimization
from shared.wire.params import Params
from worker.images.arrays import Picture

# Takes a step's number, its losses, a function for the picture so far, and the seconds until the last step.
Seen = Callable[[int, CurvePoint, Callable[[], Picture], float | None], None]
WeightedStyles = Sequence[tuple[Picture, float]]


class Original(Protocol):
    """The methods of worker.model.gatys.method.OriginalMethod that jobs need."""

    bytes_per_pixel: int

    def report(
        self, picture: Picture, content: Picture, styles: WeightedStyles, params: Params
    ) -> LossReport:
        """Measure the losses of the picture and of the content."""

    def paint(
        self,
        content: Picture,
        styles: WeightedStyles,
        start: Picture | None,
        params: Params,
        seconds: float,
        check: Callable[[], None],
        seen: Seen,
    ) -> tuple[Picture, Optimization]:
        """Search for the picture with the least total loss, from `start`, or from noise if that is None."""

    def measured_rate(self, check: Callable[[], None]) -> float | None:
        """Return the steps on one pixel in a second, if they can be measured."""
