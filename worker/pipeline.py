"""Runs one job: fetch, decode, stylize, encode, put. No Celery and no TensorFlow in here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.records import Job, JobResult
from shared.storage import Storage, result_key
from worker.images import ImageLimits, decode_content, decode_style, encode, keep_luminance
from worker.metrics import STAGE_SECONDS
from worker.sources import Sources

Picture = NDArray[np.uint8]  # height x width x 3, sRGB


class PictureStylizer(Protocol):
    """What the pipeline needs of a model."""

    handle: str
    device: str

    def stylize(self, contents: Sequence[Picture], styles: Sequence[Picture]) -> list[Picture]:
        """Paints each content picture in the manner of the style picture at the same index."""


class Stages:
    """The stage that a job is in, and the milliseconds that it spent in each."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.current = "run"
        self.milliseconds: dict[str, float] = {}
        self._check = check

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block; before it, `check` may say that the job is not ours any more."""
        self._check()
        self.current = name
        begin = time.perf_counter()
        yield
        seconds = time.perf_counter() - begin
        self.milliseconds[name] = round(seconds * 1000, 2)
        STAGE_SECONDS.labels(name).observe(seconds)


class Pipeline:
    """Holds what jobs share; one instance serves all threads of a process."""

    def __init__(
        self, sources: Sources, storage: Storage, stylizer: PictureStylizer, limits: ImageLimits
    ) -> None:
        self._sources = sources
        self._storage = storage
        self._stylizer = stylizer
        self._limits = limits

    def run(self, job: Job, stages: Stages) -> JobResult:
        """Leaves the stylized image in the bucket and answers what it is.

        Raises:
            TransientError, PermanentError: the job cannot be done now, or ever; `stages.current` says where.
            LeaseLost: `stages` found that the job is not ours any more.
        """
        request = job.request
        with stages.stage("fetch"):
            content_file = self._sources.fetch(request.content, job.owner)
            style_file = self._sources.fetch(request.style, job.owner)
        with stages.stage("decode"):
            content = decode_content(content_file, request.params.max_side, self._limits)
            style = decode_style(style_file, request.params.style_size, self._limits)
        with stages.stage("stylize"):
            (picture,) = self._stylizer.stylize([content], [style])
            if request.params.preserve_color == "luminance":
                picture = keep_luminance(picture, content)
        with stages.stage("encode"):
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
            model=self._stylizer.handle,
            device=self._stylizer.device,
            timings_ms={"queue": _queue_milliseconds(job), **stages.milliseconds},
        )


def _queue_milliseconds(job: Job) -> float:
    """From when the job was queued to when this attempt began."""
    return round(((job.started_at or job.queued_at) - job.queued_at).total_seconds() * 1000, 2)
