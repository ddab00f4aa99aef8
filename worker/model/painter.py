"""Paints the stylized picture from a decoded content picture: by the model, or by minimization."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from shared.errors import ImageTooLarge, PermanentError
from shared.wire.loss_records import CurvePoint, LossReport, Optimization
from shared.wire.params import Params
from shared.wire.records import Job
from shared.wire.sources import ImageSource
from worker.images.arrays import Picture, StyleParameters
from worker.images.decoders import Decoders
from worker.jobs.previews import Previews
from worker.jobs.stages import Stages
from worker.model.engine import Engine
from worker.model.lazy import Lazily
from worker.model.style_cache import KnownStyle
from worker.sources.reader import Sources

CONTENT_IMAGE, STYLE_IMAGE = "content image", "style image"  # in errors and warnings
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
        seen: Callable[[int, CurvePoint, Callable[[], Picture]], None],
    ) -> tuple[Picture, Optimization]:
        """Search for the picture with the least total loss, from `start`, or from noise if that is None."""


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


@dataclass(frozen=True)
class Painter:
    """Paints pictures; one instance serves all threads of a process."""

    sources: Sources
    engine: Engine
    decoders: Decoders
    original: Lazily[Original]
    previews: Previews
    limits: OptimizeLimits

    @property
    def handle(self) -> str:
        return self.engine.handle

    @property
    def device(self) -> str:
        return self.engine.device

    def longest_side(self, params: Params) -> int:
        if params.method == "fast":
            return params.max_side
        return min(params.max_side, self.limits.longest_side)

    def paint(self, job: Job, content_file: bytes, content: Picture, stages: Stages) -> Painted:
        """Paint the content as the job's parameters say.

        Raises:
            TransientError, PermanentError: it cannot be painted now, or ever.
            LeaseLost: `stages` found that the job is not ours any more.
        """
        if job.request.params.method == "optimize":
            return self._minimized(job, content_file, content, stages)
        return self._in_one_pass(job, content_file, content, stages)

    def losses(self, job: Job, picture: Picture, content: Picture, stages: Stages) -> LossReport | None:
        """Measure the losses of a picture from `paint`, if the job asks for them or minimized them.

        Raises:
            The errors of `paint`.
        """
        params = job.request.params
        if not params.measures_losses:
            return None
        with stages.stage("losses"):
            styles = self._style_pictures(job, max(content.shape), stages)
            return self._original_for(content).report(picture, content, styles, params)

    def _in_one_pass(self, job: Job, content_file: bytes, content: Picture, stages: Stages) -> Painted:
        with stages.stage("style"):
            parameters, from_cache = self._style(job, content_file, stages)
        with stages.stage("model"):
            return Painted(self.engine.paint(content, parameters), from_cache)

    def _minimized(self, job: Job, content_file: bytes, content: Picture, stages: Stages) -> Painted:
        params, limits = job.request.params, self.limits
        original = self._original_for(content)
        from_cache, start = True, None if params.init == "noise" else content
        if params.init == "fast":
            fast = self._in_one_pass(job, content_file, content, stages)
            from_cache, start = fast.styles_from_cache, fast.picture
        seconds = min(params.max_seconds or limits.seconds, limits.seconds)
        with stages.stage("style"):
            styles = self._style_pictures(job, max(content.shape), stages)
        with stages.stage("optimize"):
            show = self.previews.of(job, stages)
            picture, how = original.paint(content, styles, start, params, seconds, stages.check, show)
        return Painted(picture, from_cache, how)

    def _original_for(self, content: Picture) -> Original:
        """Return the original method for pictures of the content's size.

        Raises:
            ImageTooLarge: the memory is too small for the content's pixels.
            VggUnavailable: there is no VGG network.
        """
        original = self.original.get()
        pixels = content.shape[0] * content.shape[1]
        most = self.limits.memory_bytes // original.bytes_per_pixel
        if pixels > most:
            raise ImageTooLarge(
                f"The picture has {pixels:,} pixels; this worker's memory holds the features of {most:,}. "
                "Ask for a smaller params.max_side"
            )
        return original

    def _style_pictures(self, job: Job, longest_side: int, stages: Stages) -> list[tuple[Picture, float]]:
        """Return the style pictures at the content's size, as in the paper, and their weights."""
        weighted = []
        for source, weight in job.request.weighted_styles():
            with named(STYLE_IMAGE):
                style = self.decoders.content(self.sources.fetch(source, job.folder), longest_side)
            stages.warn(STYLE_IMAGE, style.warnings)
            weighted.append((style.picture, weight))
        return weighted

    def _style(self, job: Job, content_file: bytes, stages: Stages) -> tuple[StyleParameters, bool]:
        """Return the blend of the job's styles, weakened by `strength`, and whether the cache had all."""
        params = job.request.params
        found = [
            (self._style_of(source, job.folder, params), weight)
            for source, weight in job.request.weighted_styles()
        ]
        for (known, _), _ in found:
            stages.warn(STYLE_IMAGE, known.warnings)
        style = self.engine.blend([(known.parameters, weight) for (known, _), weight in found])
        if params.strength < 1:
            own = self.engine.style_of(self.decoders.style(content_file, params.style_size).picture)
            style = self.engine.blend([(style, params.strength), (own, 1 - params.strength)])
        return style, all(hit for (_, hit), _ in found)

    def _style_of(self, source: ImageSource, owner: str, params: Params) -> tuple[KnownStyle, bool]:
        """Return a style. If its identity is known without its bytes and the cache has it, fetch nothing."""
        with named(STYLE_IMAGE):
            identity = self.sources.identity(source, owner)
            if identity:
                return self.engine.style(
                    f"{identity} {params.style_size}",
                    lambda: self.decoders.style(self.sources.fetch(source, owner), params.style_size),
                )
            file = self.sources.fetch(source, owner)
            digest = hashlib.sha256(file).hexdigest()
            return self.engine.style(
                f"sha256:{digest} {params.style_size}", lambda: self.decoders.style(file, params.style_size)
            )


@contextmanager
def named(image: str) -> Iterator[None]:
    """Add to an error which of the job's images it is about."""
    try:
        yield
    except PermanentError as error:
        raise type(error)(f"{image}: {error.detail}") from error
