"""Runs one job: fetch, decode, style, model, encode, put. No Celery and no TensorFlow in here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from shared.descriptors import ImageSource, Params
from shared.errors import PermanentError
from shared.records import Job, JobResult
from shared.storage import Storage, result_key
from worker.arrays import Picture, StyleParameters
from worker.colors import keep_luminance
from worker.engine import Engine
from worker.images import encode
from worker.memory import MemoryBudget
from worker.sources import Sources
from worker.stages import Stages

# Of memory while a picture is encoded: 15 were measured while colors are exchanged before, 10 for WebP.
ENCODE_BYTES_PER_PIXEL = 20


class Decoder(Protocol):
    """What is needed of worker.decoders.Decoders."""

    def content(self, file: bytes, longest_side: int) -> Picture: ...

    def style(self, file: bytes, size: int) -> Picture: ...


class Pipeline:
    """Holds what jobs share; one instance serves all threads of a process."""

    def __init__(
        self, sources: Sources, storage: Storage, engine: Engine, decoder: Decoder, memory: MemoryBudget
    ) -> None:
        """`memory` is what pictures may take before and after the model."""
        self._sources = sources
        self._storage = storage
        self._engine = engine
        self._decoder = decoder
        self._memory = memory

    def run(self, job: Job, stages: Stages) -> JobResult:
        """Leaves the stylized image in the bucket and answers what it is.

        Raises:
            TransientError, PermanentError: the job cannot be done now, or ever; `stages.current` says where.
            LeaseLost: `stages` found that the job is not ours any more.
        """
        request, params = job.request, job.request.params
        with stages.stage("fetch"), _named("content image"):
            file = self._sources.fetch(request.content, job.owner)
        with stages.stage("decode"), _named("content image"):
            content = self._decoder.content(file, params.max_side)
        with stages.stage("style"):
            parameters, from_cache = self._style(job, file)
        with stages.stage("model"):
            picture = self._engine.paint(content, parameters)
        pixels = picture.shape[0] * picture.shape[1]
        with stages.stage("encode"), self._memory.reserved(pixels * ENCODE_BYTES_PER_PIXEL):
            if params.preserve_color == "luminance":
                picture = keep_luminance(picture, content)
            image = encode(picture, request.output)
        key = result_key(job.owner, job.id, image.extension)
        with stages.stage("put"):
            self._storage.put(key, image.data, image.content_type)
        return JobResult(
            key=key,
            width=picture.shape[1],
            height=picture.shape[0],
            bytes=len(image.data),
            sha256=hashlib.sha256(image.data).hexdigest(),
            content_type=image.content_type,
            model=self._engine.handle,
            device=self._engine.device,
            style_cache="hit" if from_cache else "miss",
            timings_ms={"queue": job.queue_ms, **stages.milliseconds},
        )

    def _style(self, job: Job, content_file: bytes) -> tuple[StyleParameters, bool]:
        """The blend of the job's styles, weakened by `strength`, and whether all were in the cache."""
        params = job.request.params
        found = [
            (self._style_of(source, job.owner, params), weight)
            for source, weight in job.request.weighted_styles()
        ]
        style = self._engine.blend([(parameters, weight) for (parameters, _), weight in found])
        if params.strength < 1:
            own = self._engine.style_of(self._decoder.style(content_file, params.style_size))
            style = self._engine.blend([(style, params.strength), (own, 1 - params.strength)])
        return style, all(hit for (_, hit), _ in found)

    def _style_of(self, source: ImageSource, owner: str, params: Params) -> tuple[StyleParameters, bool]:
        """A style whose identity is known without its bytes is not even fetched when it is in the cache."""
        with _named("style image"):
            identity = self._sources.identity(source, owner)
            if identity:
                return self._engine.style(
                    f"{identity} {params.style_size}",
                    lambda: self._decoder.style(self._sources.fetch(source, owner), params.style_size),
                )
            file = self._sources.fetch(source, owner)
            digest = hashlib.sha256(file).hexdigest()
            return self._engine.style(
                f"sha256:{digest} {params.style_size}", lambda: self._decoder.style(file, params.style_size)
            )


@contextmanager
def _named(image: str) -> Iterator[None]:
    """Says of which of the two pictures an error speaks."""
    try:
        yield
    except PermanentError as error:
        raise type(error)(f"{image}: {error.detail}") from error
