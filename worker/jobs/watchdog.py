"""Jobs that hang: given up when their time is over, with their process if their thread never comes back."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from shared.wire.records import Job
from worker.jobs.job_lines import of_job
from worker.jobs.leases import HeldJob, Leases
from worker.jobs.runner import JobRunner

WATCH_SECONDS = 1.0  # between two looks


class Watchdog:
    """A thread cannot be ended from outside, only left alone with its process.

    One job at a time is suspected, the oldest: those behind it may only be waiting for it, in the model. If
    its thread comes back the next one is looked at; if it does not, the others are given back uncounted.
    """

    def __init__(
        self,
        leases: Leases,
        runner: JobRunner,
        seconds_of: Callable[[Job], float],
        leave: Callable[[], None],
        grace_seconds: float,
    ) -> None:
        """`seconds_of` is the longest that an attempt at a job may take.

        `leave` gives the other jobs back and ends the process; it is called when a job that was given up is
        still in its thread after `grace_seconds`.
        """
        self._leases = leases
        self._runner = runner
        self._seconds_of = seconds_of
        self._leave = leave
        self._grace_seconds = grace_seconds
        self._suspect: HeldJob | None = None
        self._timed_out_at = 0.0

    def look(self) -> None:
        """Called every second or so.

        Raises:
            QueueUnavailable: Redis went away while a job was given up.
        """
        held_jobs, now = self._leases.held_jobs(), time.monotonic()
        if self._suspect and self._suspect in held_jobs:
            if now - self._timed_out_at > self._grace_seconds:
                self._end_with(self._suspect)
            return
        overdue = (held for held in held_jobs if now - held.began_at > self._seconds_of(held.claim.job))
        self._suspect = min(overdue, key=lambda held: held.began_at, default=None)
        if self._suspect:
            self._timed_out_at = now
            self._runner.time_out(self._suspect, self._seconds_of(self._suspect.claim.job))

    def _end_with(self, held: HeldJob) -> None:
        structlog.get_logger().critical(
            "a job hangs, the process ends", stage=held.stages.current, **of_job(held.claim.job)
        )
        self._leave()
