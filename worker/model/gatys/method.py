"""Runs the original method for the pipeline: 8-bit pictures in and out, losses as clients see them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from shared.wire.loss_records import CurvePoint, LossReport, LossValues, Optimization
from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.model.gatys.features import load_vgg
from worker.model.gatys.losses import STYLE_LAYERS
from worker.model.gatys.objective import Losses, Measures, Objective, Pixels, Weights
from worker.model.gatys.painting import MIN_SIDE, Minimization, Plan, Progress, noise_like
from worker.model.memory import VGG_BYTES_PER_PIXEL
from worker.model.padding import cropped, padded
from worker.painting.original import Seen, WeightedStyles
from worker.telemetry.device_time import on_device

POINTS_OF_A_CURVE = 100
PROBE_SIDES, PROBE_STEPS, PROBE_SECONDS = (128, 256, 512), 4, 0.1  # pixels; steps; long enough for a step
QUEUE_SECONDS = 0.2  # between two checks of a job that waits for another minimization


class OriginalMethod:
    """One VGG network for all threads of a process; one minimization at a time, as each takes all cores."""

    bytes_per_pixel = VGG_BYTES_PER_PIXEL

    def __init__(self, vgg_handle: str) -> None:
        """Load the VGG network.

        Raises:
            VggUnavailable: the handle leads to no VGG network.
        """
        vgg = load_vgg(vgg_handle)
        self.network = f"{vgg.name} ({vgg_handle})"
        self._measures = Measures(vgg)
        self._busy = threading.Lock()

    def report(
        self, picture: Picture, content: Picture, styles: WeightedStyles, params: Params
    ) -> LossReport:
        """Measure the losses of a picture of the content's shape, and those of the content picture itself.

        Pictures with a side below MIN_SIDE are padded first.
        """
        with on_device():
            objective = self.objective(content, styles, params)
            ours, before = (objective.losses(_floats(each)) for each in (picture, content))
        return LossReport(
            **_values(ours).model_dump(),
            alpha=params.alpha,
            beta=params.beta,
            network=self.network,
            content_image=_values(before),
        )

    def objective(self, content: Picture, styles: WeightedStyles, params: Params) -> Objective:
        """Return the objective without the total variation."""
        weights = Weights(params.alpha, params.beta)
        return Objective(self._measures, _floats(content), _all_floats(styles), weights)

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
        """Minimize the total loss from `start`, or from noise; both have the content's shape.

        Args:
            seconds: the time limit; at its end the best picture so far is returned.
            check: called before each evaluation, and while another job minimizes; ends all by raising.
            seen: called after each step with its number, its losses, a function for the picture so far, and
                the seconds until the last step.
        """
        weights = Weights(params.alpha, params.beta, params.total_variation)
        plan = Plan(params.iterations, weights, params.levels, seconds)
        photo = _floats(content)
        beginning = noise_like(photo.shape, params.seed) if start is None else _floats(start)
        curve: list[CurvePoint] = []

        def note(progress: Progress) -> None:
            curve.append(_point(progress))
            so_far, left = progress.step.picture, progress.seconds_left
            seen(progress.iteration, curve[-1], lambda: cropped(_bytes(so_far), content), left)

        self._wait_until_free(check)
        try:
            with on_device():
                run = Minimization(self._measures, photo, _all_floats(styles), plan, check, note)
                painting = run.run(beginning)
        finally:
            self._busy.release()
        how = Optimization(
            iterations=painting.iterations,
            stopped_by=painting.stopped_by.value,
            rate=painting.rate and round(painting.rate, 1),
            curve=tuple(_thinned(curve)),
        )
        return cropped(_bytes(painting.picture), content), how

    def measured_rate(self, check: Callable[[], None]) -> float | None:
        """Return the steps on one pixel in a second, on noise; None if the clock is too coarse.

        The picture is enlarged until a step takes a while, because small ones do not fill a GPU.
        """
        rate = None
        for side in PROBE_SIDES:
            picture = _bytes(noise_like((side, side, 3), seed=0))
            params = Params(method="optimize", iterations=PROBE_STEPS, seed=1)
            _, how = self.paint(picture, [(picture, 1.0)], None, params, float("inf"), check, lambda *_: None)
            rate = how.rate or rate
            if rate and side**2 / rate > PROBE_SECONDS:
                break
        return rate

    def _wait_until_free(self, check: Callable[[], None]) -> None:
        while not self._busy.acquire(timeout=QUEUE_SECONDS):
            check()


def _values(losses: Losses) -> LossValues:
    return LossValues(
        content=losses.content,
        style=losses.style,
        total=losses.total,
        style_by_layer=dict(losses.style_by_layer),
        content_per_element=2 * losses.content / losses.content_elements,
        style_per_element=4 * sum(losses.style_by_layer.values()) / len(STYLE_LAYERS),
    )


def _point(progress: Progress) -> CurvePoint:
    losses = progress.step.losses
    return CurvePoint(
        iteration=progress.iteration, content=losses.content, style=losses.style, total=losses.total
    )


def _thinned(curve: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Return at most POINTS_OF_A_CURVE points, evenly spaced, with the first and the last."""
    if len(curve) <= POINTS_OF_A_CURVE:
        return list(curve)
    return [curve[index] for index in np.linspace(0, len(curve) - 1, POINTS_OF_A_CURVE).round().astype(int)]


def _floats(picture: Picture) -> Pixels:
    """Return values in [0, 1], padded to the size that the network needs."""
    return padded(picture, MIN_SIDE).astype(np.float32) / np.float32(255)


def _all_floats(styles: WeightedStyles) -> list[tuple[Pixels, float]]:
    return [(_floats(style), share) for style, share in styles]


def _bytes(picture: Pixels) -> Picture:
    return np.asarray((picture * 255).round(), np.uint8)
