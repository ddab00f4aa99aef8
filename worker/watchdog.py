"""Jobs that hang: given up when their time is over, with their process if their thread never comes back."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from worker.job_runner import JobRunner
from worker.leases import HeldJob, Leases

GRACE_SECONDS = (
    30.0  # from the end of a job's time to the end of the process: a long call of the model may end
)


class Watchdog:
    """A thread cannot be ended from outside, only left alone with its process."""

    def __init__(
        self,
        leases: Leases,
        runner: JobRunner,
        timeout_seconds: float,
        leave: Callable[[], None],
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`leave` gives the other jobs back and ends the process."""
        self._leases = leases
        self._runner = runner
        self._timeout_seconds = timeout_seconds
        self._leave = leave
        self._grace_seconds = grace_seconds
        self._timed_out_at: dict[str, float] = {}  # by the claim's token

    def look(self) -> None:
        """Called every second or so.

        Raises:
            QueueUnavailable: Redis went away while a job was given up.
        """
        held_jobs = self._leases.held_jobs()
        tokens = {held.claim.token for held in held_jobs}
        self._timed_out_at = {token: at for token, at in self._timed_out_at.items() if token in tokens}
        for held in held_jobs:
            self._look_at(held, time.monotonic())

    def _look_at(self, held: HeldJob, now: float) -> None:
        token = held.claim.token
        if token in self._timed_out_at:
            if now - self._timed_out_at[token] > self._grace_seconds:
                structlog.get_logger().critical(
                    "a job hangs, the process ends", job_id=held.claim.job.id, stage=held.stages.current
                )
                self._leave()
        elif now - held.began_at > self._timeout_seconds:
            self._timed_out_at[token] = now
            self._runner.time_out(held, self._timeout_seconds)
