"""A job runner with the parts of a worker, but for its model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from shared.broker.queue import create_celery
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.descriptors import JobRequest
from shared.wire.records import Job
from tests.files.pictures import saved
from worker.assembly import Assembly
from worker.images.arrays import Picture, StyleParameters
from worker.jobs.previews import Previews
from worker.model.batched_model import Model
from worker.model.lazy import Lazily
from worker.model.memory import VGG_BYTES_PER_PIXEL
from worker.painting.device_rate import DeviceRate
from worker.painting.original import Original
from worker.painting.painter import OptimizeLimits

OWNER = "anna"
SMALL = OptimizeLimits(32, seconds=60, memory_bytes=32 * 32 * VGG_BYTES_PER_PIXEL)


class ScriptedModel:
    """A model that calls `before` and returns the content."""

    handle = "scripted"
    digest = None
    device = "cpu"
    can_blend = True
    pixel_budget = 1
    bytes_per_pixel = 1
    bands = None

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None
        self.calls = 0
        self.styles = 0

    def style_parameters(self, style: Picture) -> StyleParameters:
        self.styles += 1
        return style.mean((0, 1), dtype=np.float32)

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        assert len(contents) == len(parameters)
        self.calls += 1
        self.before()
        return contents


class RunnerBench:
    """A job runner on a real store and S3, with a scripted model unless another is given."""

    def __init__(
        self,
        store: JobStore,
        lanes: Lanes,
        settings: Settings,
        original: Lazily[Original] | None = None,
        model: Model | None = None,
        limits: OptimizeLimits = SMALL,
    ) -> None:
        self.store, self.lanes, self.settings = store, lanes, settings
        self.owner = OWNER
        self.model = ScriptedModel()
        self.celery = create_celery(settings)
        parts = Assembly(settings, self.celery, lambda _: model or self.model)
        parts.store, parts.lanes = store, lanes
        parts.original = original or parts.original
        parts.previews = Previews(parts.storage, every_seconds=0)
        parts.optimize_limits = limits
        self._folder = TemporaryDirectory()
        self.rate = parts.optimize_rate = DeviceRate(Path(self._folder.name), "scripted")
        self.storage, self.leases, self.runner = parts.storage, parts.leases, parts.runner
        self.decoders = parts.decoders
        self.errors = list[Exception]()  # that a slot reported
        self.runner.slots.start(self.runner.run_held, self.errors.append)

    def submit(self, **members: object) -> str:
        picture = self.upload("teal")
        style = {} if "styles" in members else {"style": picture}
        request = JobRequest.model_validate({"content": picture, **style, **members})
        (job_id,) = self.store.create(self.owner, [request], max_attempts=3)
        return job_id

    def upload(self, color: str, size: tuple[int, int] = (32, 24)) -> dict[str, str]:
        return self.upload_file(saved(Image.new("RGB", size, color)))

    def upload_file(self, data: bytes) -> dict[str, str]:
        upload_id = hashlib.sha256(data).hexdigest()
        self.storage.put(upload_key(self.owner, upload_id), data, "image/png")
        return {"upload_id": upload_id}

    def run(self, job_id: str) -> Job:
        """Run a job, and raise what its slot reports."""
        self.runner.run(job_id)
        self.runner.slots.wait_until_empty()
        if self.errors:
            raise self.errors.pop()
        return self.store.get(job_id)
