"""Runs one job: fetch, decode, paint, encode, put. No Celery and no TensorFlow in here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass

from shared.errors import BucketForbidden, ObjectNotFound, OutputForbidden
from shared.policy.object_keys import may_write, picture_location
from shared.storage.objects import Storage
from shared.wire.descriptors import Output
from shared.wire.records import Job, JobResult
from worker.images.animation import check_animation
from worker.images.arrays import Picture
from worker.images.belongings import Belongings, kept_by
from worker.images.codec import Decoded, EncodedImage, encode
from worker.images.colors import keep_luminance
from worker.images.decoders import Decoders
from worker.jobs.stages import Stages
from worker.jobs.thumbnails import drawn, stored
from worker.model.memory import PictureMemory
from worker.painting.painter import Painter
from worker.painting.styles import CONTENT_IMAGE, named
from worker.sources.reader import Sources

ENCODE_BYTES_PER_PIXEL = 14  # while a picture is encoded; 10 were measured for WebP


@dataclass(frozen=True)
class Pipeline:
    """Runs jobs; one instance serves all threads of a process."""

    sources: Sources
    storage: Storage
    painter: Painter
    decoders: Decoders
    memory: PictureMemory  # for pictures outside the model
    output_buckets: Collection[str] = ()
    thumbnails: bool = True

    def run(self, job: Job, stages: Stages) -> JobResult:
        """Put the stylized image into the bucket and return its description.

        Raises:
            TransientError, PermanentError: the job cannot be done now, or ever; `stages.current` says where.
            LeaseLost: `stages` found that the job is not ours any more.
        """
        request, params = job.request, job.request.params
        with stages.stage("fetch"), named(CONTENT_IMAGE):
            file = self.sources.fetch(request.content, job.folder)
        with stages.stage("decode"), named(CONTENT_IMAGE):
            decoded = self._decoded(job, file, stages)
            check_animation(decoded.warnings, params)
        stages.warn(CONTENT_IMAGE, decoded.warnings)
        painted = self.painter.paint(job, decoded.picture, stages)
        picture = painted.picture
        with stages.stage("encode"):
            if params.preserve_color == "luminance":
                with self._memory_for(picture):
                    picture = keep_luminance(picture, decoded.picture)
            image = self._encoded(picture, request.output, decoded.belongings)
            small = drawn(picture, decoded.belongings.alpha) if self.thumbnails else None
        losses = self.painter.losses(job, picture, decoded.picture, stages)
        bucket, key = picture_location(request.output, job.folder, job.id, image.extension)
        with stages.stage("put"):
            self._put(bucket, key, image, job.folder)
            thumbnail = stored(self.storage, job, small)
        return JobResult(
            key=key,
            bucket=bucket,
            width=picture.shape[1],
            height=picture.shape[0],
            **_scaled_from(decoded),
            bytes=len(image.data),
            sha256=hashlib.sha256(image.data).hexdigest(),
            content_type=image.content_type,
            model=self.painter.handle,
            device=self.painter.device,
            warnings=tuple(stages.warnings),
            style_cache="hit" if painted.styles_from_cache else "miss",
            losses=losses,
            optimization=painted.optimization,
            thumbnail=thumbnail,
            timings_ms={"queue": job.queue_ms, **stages.milliseconds},
        )

    def _decoded(self, job: Job, file: bytes, stages: Stages) -> Decoded:
        """Decode the content image; if the job names no side, at the one that its first worker chose."""
        stages.bytes_in += len(file)
        params, kept = job.request.params, kept_by(job.request.output)
        decoded = self.decoders.decode(file, self.painter.longest_side(params), kept)
        if not params.leaves_size_to_worker:
            return decoded
        height, width, _ = decoded.picture.shape
        side = job.chosen_side or self.painter.chosen_side(params, (height, width), stages.check)
        stages.chosen_side = side
        return decoded if max(height, width) <= side else self.decoders.decode(file, side, kept)

    def _encoded(self, picture: Picture, output: Output, belongings: Belongings) -> EncodedImage:
        if belongings.profile is not None:  # this reserves memory itself, so none may be held here
            picture = self.decoders.painted_in(belongings.profile, picture)
        with self._memory_for(picture):
            return encode(picture, output, belongings)

    def _memory_for(self, picture: Picture) -> AbstractContextManager[object]:
        return self.memory.reserved(picture.shape[0] * picture.shape[1] * ENCODE_BYTES_PER_PIXEL)

    def _put(self, bucket: str | None, key: str, image: EncodedImage, owner: str) -> None:
        """
        Raises:
            OutputForbidden: it is a bucket of the client's into which the service may not write (any more).
        """
        if bucket is None:
            self.storage.put(key, image.data, image.content_type)
            return
        if not may_write(bucket, owner, self.output_buckets):
            raise OutputForbidden(f"The service does not write your pictures into the bucket '{bucket}'")
        try:
            self.storage.put(key, image.data, image.content_type, bucket=bucket)
        except (ObjectNotFound, BucketForbidden) as error:
            raise OutputForbidden(f"S3 does not let the service write s3://{bucket}/{key}") from error


def _scaled_from(decoded: Decoded) -> dict[str, int]:
    """Return the members of the result that tell a size that was scaled down."""
    height, width, _ = decoded.picture.shape
    if decoded.source_size in (None, (width, height)):
        return {}
    return dict(zip(("source_width", "source_height"), decoded.source_size or (), strict=True))
