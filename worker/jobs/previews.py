"""Stores previews of jobs that take minutes, for their clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from shared.errors import PermanentError, TransientError
from shared.policy.object_keys import preview_key
from shared.storage.objects import Storage
from shared.wire.descriptors import Output
from shared.wire.loss_records import CurvePoint
from shared.wire.records import Job
from worker.images.arrays import Picture
from worker.images.codec import encode
from worker.jobs.stages import Stages
from worker.painting.original import Seen

PREVIEW_SECONDS = 5.0
AS_A_PREVIEW = Output(format="jpeg", quality=85)


@dataclass(frozen=True)
class Previews:
    """Makes previews; one instance serves all jobs of a process."""

    storage: Storage
    every_seconds: float = PREVIEW_SECONDS

    def of(self, job: Job, stages: Stages) -> Seen:
        """Return a callback for each step of a job's minimization."""
        next_at = time.monotonic()
        iterations = job.request.params.iterations

        def show(
            iteration: int, losses: CurvePoint, picture: Callable[[], Picture], seconds_left: float | None
        ) -> None:
            nonlocal next_at
            stages.stepped(iteration, iterations, losses, seconds_left)
            if time.monotonic() >= next_at:
                if self._put(job, picture()):
                    stages.shown()
                next_at = time.monotonic() + self.every_seconds

        return show

    def _put(self, job: Job, picture: Picture) -> bool:
        """Store a preview; a failure is only logged."""
        image = encode(picture, AS_A_PREVIEW)
        try:
            self.storage.put(preview_key(job.folder, job.id), image.data, image.content_type)
        except (TransientError, PermanentError) as error:
            structlog.get_logger().warning("no preview", code=error.code, detail=error.detail)
            return False
        return True
