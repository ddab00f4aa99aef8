"""Fetches the styles of a job: as parameters of the model, or as pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.errors import PermanentError
from shared.wire.params import Params
from shared.wire.records import Job
from shared.wire.sources import ImageSource
from worker.images.animation import check_animation
from worker.images.arrays import Picture, StyleParameters
from worker.images.decoders import Decoders
from worker.jobs.stages import Stages
from worker.model.shared_model import SharedModel
from worker.model.style_cache import KnownStyle
from worker.painting.style_crops import DECODED_SIDES, crops
from worker.sources.reader import Sources

CONTENT_IMAGE, STYLE_IMAGE = "content image", "style image"  # in errors and warnings


@dataclass(frozen=True)
class Styles:
    sources: Sources
    model: SharedModel
    decoders: Decoders

    def pictures(self, job: Job, longest_side: int, stages: Stages) -> list[tuple[Picture, float]]:
        """Return the style pictures at the content's size, as in the paper, and their weights."""
        weighted = []
        for source, weight in job.request.weighted_styles():
            with named(STYLE_IMAGE):
                style = self.decoders.decode(self._file(source, job.folder, stages), longest_side)
                check_animation(style.warnings, job.request.params)
            stages.warn(STYLE_IMAGE, style.warnings)
            weighted.append((style.picture, weight))
        return weighted

    def parameters(self, job: Job, content: Picture, stages: Stages) -> tuple[StyleParameters, bool]:
        """Return the blend of the job's styles, weakened by `strength`, and whether the cache had all."""
        params = job.request.params
        found = [
            (self._known(source, job.folder, params, stages), weight)
            for source, weight in job.request.weighted_styles()
        ]
        for (known, _), _ in found:
            stages.warn(STYLE_IMAGE, known.warnings)
        style = self.model.blend([(known.parameters, weight) for (known, _), weight in found])
        if params.strength < 1:
            own = self._parameters_of(content, params)
            style = self.model.blend([(style, params.strength), (own, 1 - params.strength)])
        return style, all(hit for (_, hit), _ in found)

    def _known(
        self, source: ImageSource, owner: str, params: Params, stages: Stages
    ) -> tuple[KnownStyle, bool]:
        """Return a style. If its identity is known without its bytes and the cache has it, fetch nothing."""
        with named(STYLE_IMAGE):
            identity, file = self.sources.identity(source, owner), None
            if not identity:
                file = self._file(source, owner, stages)
                identity = f"sha256:{hashlib.sha256(file).hexdigest()}"

            def compute() -> KnownStyle:
                data = file or self._file(source, owner, stages)
                decoded = self.decoders.decode(data, DECODED_SIDES * params.style_size)
                return KnownStyle(self._parameters_of(decoded.picture, params), decoded.warnings)

            known, hit = self.model.style(f"{identity} {params.style_size} {params.style_crop}", compute)
            check_animation(known.warnings, params)
            return known, hit

    def _file(self, source: ImageSource, owner: str, stages: Stages) -> bytes:
        file = self.sources.fetch(source, owner)
        stages.bytes_in += len(file)
        return file

    def _parameters_of(self, picture: Picture, params: Params) -> StyleParameters:
        """Return the mean of the parameters of the picture's crops. It is exact, like blends."""
        crop = params.style_crop if self.model.can_blend else "center"
        pictures = crops(picture, params.style_size, crop)
        return self.model.blend([(self.model.style_of(each), 1.0) for each in pictures])


@contextmanager
def named(image: str) -> Iterator[None]:
    """Add to an error which of the job's images it is about."""
    try:
        yield
    except PermanentError as error:
        raise type(error)(f"{image}: {error.detail}") from error
