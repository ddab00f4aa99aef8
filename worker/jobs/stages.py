"""The stage of a running job, the time of each stage, its progress and its warnings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

from shared.store.counts.effort import Effort
from shared.telemetry.tracing import span
from shared.wire.loss_records import CurvePoint, JobProgress
from shared.wire.records import JobWarning
from worker.telemetry.device_time import device_seconds
from worker.telemetry.metrics import STAGE_SECONDS

_log = structlog.get_logger()  # created once: creating it costs more than a line that is not shown

# The fraction of a job that is done when a stage begins, roughly. A minimization ends at that of `encode`.
BEGINNINGS = {
    "fetch": 0.0, "decode": 0.02, "style": 0.04, "model": 0.06, "optimize": 0.08,
    "encode": 0.9, "losses": 0.92, "put": 0.97,
}  # fmt: skip
ON_THE_DEVICE = ("model", "optimize", "losses")


class Stages:
    """The state of a running job that its record does not have."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._began = time.perf_counter()
        self.current = "run"
        self.milliseconds: dict[str, float] = {}
        self.progress: JobProgress | None = None
        self.warnings: list[JobWarning] = []
        self.pixels = 0  # of the picture that is painted, once it is known
        self.chosen_side: int | None = None  # if the job leaves its size to the worker
        self.bytes_in = 0  # of image files that were read
        self._device_seconds = 0.0
        self.check = check

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block, after `check`, which raises if the job is not ours any more."""
        self.check()
        self.current = name
        preview = self.progress.preview if self.progress else False
        self.progress = JobProgress(
            stage=name, fraction=BEGINNINGS[name], preview=preview, chosen_side=self.chosen_side
        )
        begin = time.perf_counter()
        with span(name), self._counting_device_time():
            yield
        seconds = time.perf_counter() - begin
        self.milliseconds[name] = round(self.milliseconds.get(name, 0) + seconds * 1000, 2)
        STAGE_SECONDS.labels(name).observe(seconds)
        _log.debug("stage ended", stage=name, duration_ms=self.milliseconds[name])

    def seconds_beside_device(self) -> float:
        """Return how long the job has been held, without the stages on the device that have ended."""
        on_device = sum(self.milliseconds.get(name, 0) for name in ON_THE_DEVICE) / 1000
        return time.perf_counter() - self._began - on_device

    @property
    def effort(self) -> Effort:
        """Return what the attempt took in the stages that have ended; any thread may ask."""
        return Effort(self._device_seconds, self.bytes_in)

    @contextmanager
    def _counting_device_time(self) -> Iterator[None]:
        before = device_seconds()
        try:
            yield
        finally:
            self._device_seconds += device_seconds() - before

    def warn(self, image: str, warnings: Iterable[JobWarning]) -> None:
        """Keep warnings about one of the job's images, each once."""
        for warning in warnings:
            about_it = JobWarning(code=warning.code, detail=f"{image}: {warning.detail}")
            if about_it not in self.warnings:
                self.warnings.append(about_it)

    def painted(self, fraction: float) -> None:
        """Note how much of the painting is done, after `check`."""
        self.check()
        begin, end = BEGINNINGS["model"], BEGINNINGS["encode"]
        preview = self.progress.preview if self.progress else False
        self.progress = JobProgress(
            stage=self.current, fraction=round(begin + (end - begin) * fraction, 3), preview=preview
        )

    def stepped(
        self, iteration: int, iterations: int, losses: CurvePoint, seconds_left: float | None
    ) -> None:
        begin, end = BEGINNINGS["optimize"], BEGINNINGS["encode"]
        self.progress = JobProgress(
            stage=self.current,
            fraction=round(begin + (end - begin) * iteration / iterations, 3),
            iteration=iteration,
            iterations=iterations,
            losses=losses,
            seconds_left=None if seconds_left is None else round(seconds_left, 1),
            chosen_side=self.chosen_side,
            preview=self.progress.preview if self.progress else False,
        )

    def shown(self) -> None:
        if self.progress:
            self.progress = self.progress.model_copy(update={"preview": True})
