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
from worker.images.arrays import Picture, StyleParameters
from worker.images.decoders import Decoders
from worker.jobs.stages import Stages
from worker.model.shared_model import SharedModel
from worker.model.style_cache import KnownStyle
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
                style = self.decoders.content(self.sources.fetch(source, job.folder), longest_side)
            stages.warn(STYLE_IMAGE, style.warnings)
            weighted.append((style.picture, weight))
        return weighted

    def parameters(self, job: Job, content_file: bytes, stages: Stages) -> tuple[StyleParameters, bool]:
        """Return the blend of the job's styles, weakened by `strength`, and whether the cache had all."""
        params = job.request.params
        found = [
            (self._known(source, job.folder, params), weight)
            for source, weight in job.request.weighted_styles()
        ]
        for (known, _), _ in found:
            stages.warn(STYLE_IMAGE, known.warnings)
        style = self.model.blend([(known.parameters, weight) for (known, _), weight in found])
        if params.strength < 1:
            own = self.model.style_of(self.decoders.style(content_file, params.style_size).picture)
            style = self.model.blend([(style, params.strength), (own, 1 - params.strength)])
        return style, all(hit for (_, hit), _ in found)

    def _known(self, source: ImageSource, owner: str, params: Params) -> tuple[KnownStyle, bool]:
        """Return a style. If its identity is known without its bytes and the cache has it, fetch nothing."""
        with named(STYLE_IMAGE):
            identity = self.sources.identity(source, owner)
            if identity:
                return self.model.style(
                    f"{identity} {params.style_size}",
                    lambda: self.decoders.style(self.sources.fetch(source, owner), params.style_size),
                )
            file = self.sources.fetch(source, owner)
            digest = hashlib.sha256(file).hexdigest()
            return self.model.style(
                f"sha256:{digest} {params.style_size}", lambda: self.decoders.style(file, params.style_size)
            )


@contextmanager
def named(image: str) -> Iterator[None]:
    """Add to an error which of the job's images it is about."""
    try:
        yield
    except PermanentError as error:
        raise type(error)(f"{image}: {error.detail}") from error
