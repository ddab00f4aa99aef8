"""Paints the stylized picture from a decoded content picture: by the model, or by minimization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from shared.errors import ImageTooLarge
from shared.scheduling.minimization import full_steps, side_within
from shared.wire.loss_records import LossReport, Optimization
from shared.wire.params import Params
from shared.wire.records import Job
from worker.images.arrays import Picture
from worker.jobs.previews import Previews
from worker.jobs.stages import Stages
from worker.model.lazy import Lazily
from worker.model.shared_model import SharedModel
from worker.painting.color_start import in_colors_of
from worker.painting.device_rate import DeviceRate
from worker.painting.original import Original
from worker.painting.passes import Passes
from worker.painting.strength import weakened
from worker.painting.strokes import paint_in_octaves
from worker.painting.styles import Styles


@dataclass(frozen=True)
class Painted:
    """A picture of the content's shape, and the record of its making."""

    picture: Picture
    styles_from_cache: bool
    optimization: Optimization | None = None


@dataclass(frozen=True)
class OptimizeLimits:
    longest_side: int  # pixels
    seconds: float
    memory_bytes: int
    target_seconds: float = 300  # of a job that leaves its size to the worker


@dataclass(frozen=True)
class Painter:
    """Paints pictures; one instance serves all threads of a process."""

    styles: Styles
    model: SharedModel
    original: Lazily[Original]
    previews: Previews
    limits: OptimizeLimits
    rate: DeviceRate

    @property
    def handle(self) -> str:
        return self.model.handle

    @property
    def device(self) -> str:
        return self.model.device

    def longest_side(self, params: Params) -> int:
        if params.method == "fast":
            return params.longest_side
        return min(params.longest_side, self.limits.longest_side)

    def chosen_side(self, params: Params, size: tuple[int, int], check: Callable[[], None]) -> int:
        """Return the longest side on which this worker ends the job in the target time, of a picture's size.

        Raises:
            VggUnavailable: there is no VGG network to measure the rate with.
        """
        rate, limits = self.measured_rate(check), self.limits
        aspect = min(size) / max(size)
        longest = min(self.longest_side(params), isqrt(int(self._most_pixels() / aspect)))
        if rate is None:
            return longest
        seconds = min(limits.target_seconds, limits.seconds, params.max_seconds or limits.seconds)
        steps = full_steps(params.iterations, params.levels)
        return side_within(seconds, aspect, steps, rate, longest)

    def measured_rate(self, check: Callable[[], None] = lambda: None) -> float | None:
        """Return the rate of minimizations; measure it if it is unknown.

        Raises:
            VggUnavailable: there is no VGG network to measure it with.
        """
        if self.rate.value is None:
            measured = self.original.get().measured_rate(check)
            if measured:
                self.rate.note(measured)
        return self.rate.value

    def paint(self, job: Job, content: Picture, stages: Stages) -> Painted:
        """Paint the content as the job's parameters say.

        Raises:
            TransientError, PermanentError: it cannot be painted now, or ever.
            LeaseLost: `stages` found that the job is not ours any more.
        """
        if job.request.params.method == "optimize":
            return self._minimized(job, content, stages)
        return self._by_the_model(job, content, stages)

    def losses(self, job: Job, picture: Picture, content: Picture, stages: Stages) -> LossReport | None:
        """Measure the losses of a picture from `paint`, if the job asks for them or minimized them.

        Raises:
            The errors of `paint`.
        """
        params = job.request.params
        if not params.measures_losses:
            return None
        with stages.stage("losses"):
            styles = self.styles.pictures(job, max(content.shape), stages)
            return self._original_for(content).report(picture, content, styles, params)

    def _by_the_model(self, job: Job, content: Picture, stages: Stages) -> Painted:
        params = job.request.params
        stages.pixels = content.shape[0] * content.shape[1]
        with stages.stage("style"):
            parameters, from_cache = self.styles.parameters(job, content, stages)

        sides = params.sides_of_passes(max(content.shape))
        passes = Passes(sides, stages.painted)

        def paint(picture: Picture) -> Picture:
            stages.check()
            with passes.next() as seen:
                return self.model.paint(picture, parameters, seen)

        with stages.stage("model"):
            painting = paint_in_octaves(paint, content, sides)
            return Painted(weakened(painting, content, params.strength), from_cache)

    def _minimized(self, job: Job, content: Picture, stages: Stages) -> Painted:
        params, limits = job.request.params, self.limits
        original = self._original_for(content)
        from_cache, start = True, None if params.init == "noise" else content
        if params.init == "fast":
            fast = self._by_the_model(job, content, stages)
            from_cache, start = fast.styles_from_cache, fast.picture
        seconds = min(params.max_seconds or limits.seconds, limits.seconds)
        with stages.stage("style"):
            styles = self.styles.pictures(job, max(content.shape), stages)
        if params.init == "color":
            start = in_colors_of(styles, content)
        with stages.stage("optimize"):
            show = self.previews.of(job, stages)
            picture, how = original.paint(content, styles, start, params, seconds, stages.check, show)
        if how.rate:
            self.rate.note(how.rate)
        return Painted(picture, from_cache, how.model_copy(update={"chosen_side": stages.chosen_side}))

    def _original_for(self, content: Picture) -> Original:
        """Return the original method for pictures of the content's size.

        Raises:
            ImageTooLarge: the memory is too small for the content's pixels.
            VggUnavailable: there is no VGG network.
        """
        original = self.original.get()
        pixels, most = content.shape[0] * content.shape[1], self._most_pixels()
        if pixels > most:
            raise ImageTooLarge(
                f"The picture has {pixels:,} pixels; this worker's memory holds the features of {most:,}. "
                "Ask for a smaller params.max_side"
            )
        return original

    def _most_pixels(self) -> int:
        """Return the number of pixels that fit in the memory."""
        return self.limits.memory_bytes // self.original.get().bytes_per_pixel
