"""Gives up jobs that take too long, and ends the process if the thread of such a job hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import structlog

from worker.jobs.job_lines import of_job
from worker.jobs.leases import HeldJob, Leases
from worker.jobs.runner import JobRunner

WATCH_SECONDS = 1.0  # between two looks
TIMEOUT_PIXELS = 16_000_000  # of a picture; an attempt at a larger one may take longer


@dataclass
class Watchdog:
    """Looks for jobs that hang. A thread cannot be ended from outside, except with its process.

    The oldest overdue job is suspected first: the jobs behind it may only wait for it, in the model. If its
    thread returns, the next one is looked at; if not, the other jobs are requeued uncounted.
    """

    leases: Leases
    runner: JobRunner
    seconds_of: Callable[[HeldJob], float]  # the longest time that an attempt at a job may take
    leave: Callable[[], None]  # requeues the other jobs and ends the process
    grace_seconds: float  # for the thread of a job that was given up to return
    _suspect: HeldJob | None = None
    _timed_out_at: float = 0.0

    def look(self) -> None:
        """Give up the oldest overdue job; end the process if the thread of an earlier one hangs.

        Raises:
            QueueUnavailable: Redis went away while a job was given up.
        """
        held_jobs, now = self.leases.held_jobs(), time.monotonic()
        if self._suspect and self._suspect in held_jobs:
            if now - self._timed_out_at > self.grace_seconds:
                self._end_with(self._suspect)
            return
        overdue = [held for held in held_jobs if now - held.began_at > self.seconds_of(held)]
        self._suspect = min(overdue, key=attrgetter("began_at"), default=None)
        if self._suspect:
            self._timed_out_at = now
            self.runner.time_out(self._suspect, self.seconds_of(self._suspect))

    def _end_with(self, held: HeldJob) -> None:
        structlog.get_logger().critical(
            "a job hangs, the process ends", stage=held.stages.current, **of_job(held.claim.job)
        )
        self.leave()


def attempt_seconds(timeout_seconds: float, pixels: int) -> float:
    """Return the longest time of an attempt at a job that paints a picture of so many pixels."""
    return timeout_seconds * max(1.0, pixels / TIMEOUT_PIXELS)
