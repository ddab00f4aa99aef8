"""Where a job is, and how long it took to get there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from worker.metrics import STAGE_SECONDS


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
        structlog.get_logger().debug("stage ended", stage=name, duration_ms=self.milliseconds[name])
