"""Stops a worker process: running jobs are finished within a time limit, the rest is requeued."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

import structlog

from shared.errors import QueueUnavailable, StyleQueueError
from worker.jobs.slots import Slots

if TYPE_CHECKING:
    from worker.jobs.leases import HeldJob  # brings redis, which an engine does without

POLL_SECONDS = 0.1
LAST_SECONDS = 5.0  # for closing the connections to the broker after the last job
GIVE_BACK_SECONDS = 5.0
AT_ONCE = 2  # the number of wishes from which on nothing is waited for
EXIT_MODEL_GONE, EXIT_NOT_STARTED, EXIT_HANGING = 1, 69, 70  # EX_UNAVAILABLE, EX_SOFTWARE


class Stopping:
    """Waits in a thread for a wish to stop, and then ends the process.

    A signal handler takes no lock: the code that it interrupts may hold it. SimpleQueue.put is made for that.
    """

    def __init__(
        self,
        slots: Slots[HeldJob],
        stop_seconds: float,
        begin: Callable[[int], None],
        give_back: Callable[[], None],
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        """Store the callbacks; `start` starts the thread.

        Args:
            stop_seconds: the time limit for running jobs after a signal.
            begin: called once with the exit code; it stops taking messages.
            give_back: requeues all jobs; may be called several times.
            leave: ends the process.
        """
        self.wishes = 0  # the second means "at once"
        self.exit_code = 0
        self._draining = False
        self._begun: SimpleQueue[None] = SimpleQueue()
        self._slots = slots
        self._stop_seconds = stop_seconds
        self._begin = begin
        self._give_back = give_back
        self._leave = leave
        self._thread = threading.Thread(target=self._run, name="stopping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def begun(self) -> bool:
        return self._draining or self.wishes > 0

    def drain(self) -> None:
        """Stop after the last running job, however long that takes."""
        self._draining = True
        self._begun.put(None)

    def stop(self, exit_code: int) -> None:
        """Stop like a signal does, with another exit code."""
        self.exit_code = exit_code
        self.wish()

    def wish(self) -> None:
        """Ask for the stop from a signal handler, or from anywhere else."""
        self.wishes += 1
        self._begun.put(None)

    def leave_now(self, exit_code: int) -> None:
        """Requeue all jobs if Redis responds soon, then end the process, whatever hangs in it."""
        self._slots.close()
        giving_back = threading.Thread(target=self._give_back_or_say_why, daemon=True)
        giving_back.start()
        giving_back.join(GIVE_BACK_SECONDS)
        self._leave(exit_code)

    def _give_back_or_say_why(self) -> None:
        try:
            self._give_back()
        except QueueUnavailable as error:
            structlog.get_logger().error("jobs not given back", detail=error.detail)  # their leases end

    def _run(self) -> None:
        self._begun.get()
        log = structlog.get_logger()
        log.info("stopping", jobs=len(self._slots), draining=not self.wishes)
        self._slots.close()
        self._begin(self.exit_code)
        wait_while(lambda: len(self._slots) and not self.wishes)
        wait_while(lambda: len(self._slots) and self.wishes < AT_ONCE, self._stop_seconds)
        if not len(self._slots):
            wait_while(lambda: True, LAST_SECONDS)  # the process ends with the main thread
        log.warning("giving back", jobs=len(self._slots))
        self.leave_now(self.exit_code)


def not_started(error: StyleQueueError) -> SystemExit:
    """Print why a process cannot start; return the exception that ends it."""
    sys.stderr.write(f"stylequeue: {' '.join(error.detail.split())}\n")
    return SystemExit(EXIT_NOT_STARTED)


def wait_while(condition: Callable[[], object], seconds: float = float("inf")) -> None:
    """Return when the condition is false, or after so many seconds. It is looked at every POLL_SECONDS."""
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
