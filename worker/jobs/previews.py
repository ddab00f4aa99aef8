"""The picture so far of jobs that take minutes, where their clients can see it."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from shared.errors import PermanentError, TransientError
from shared.storage.objects import Storage, preview_key
from shared.wire.descriptors import Output
from shared.wire.loss_records import CurvePoint
from shared.wire.records import Job
from worker.images.arrays import Picture
from worker.images.codec import encode
from worker.jobs.stages import Stages

PREVIEW_SECONDS = 5.0
AS_A_PREVIEW = Output(format="jpeg", quality=85)


class Previews:
    """One for all jobs of a process."""

    def __init__(self, storage: Storage, every_seconds: float = PREVIEW_SECONDS) -> None:
        self._storage = storage
        self._every_seconds = every_seconds

    def of(self, job: Job, stages: Stages) -> Callable[[int, CurvePoint, Callable[[], Picture]], None]:
        """What is to be called after each step of a job's minimization."""
        next_at = time.monotonic()
        iterations = job.request.params.iterations

        def show(iteration: int, losses: CurvePoint, picture: Callable[[], Picture]) -> None:
            nonlocal next_at
            stages.stepped(iteration, iterations, losses)
            if time.monotonic() >= next_at:
                if self._put(job, picture()):
                    stages.shown()
                next_at = time.monotonic() + self._every_seconds

        return show

    def _put(self, job: Job, picture: Picture) -> bool:
        """A preview that cannot be stored costs nobody anything."""
        image = encode(picture, AS_A_PREVIEW)
        try:
            self._storage.put(preview_key(job.folder, job.id), image.data, image.content_type)
        except (TransientError, PermanentError) as error:
            structlog.get_logger().warning("no preview", code=error.code, detail=error.detail)
            return False
        return True
