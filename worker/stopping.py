"""The end of a worker process: jobs in hand are finished, within a time, and what is left is given back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import structlog

from shared.errors import QueueUnavailable
from worker.jobs.gate import Gate

POLL_SECONDS = 0.1
LAST_SECONDS = 5.0  # for the broker's connections to be closed in order, when no job is left
GIVE_BACK_SECONDS = 5.0
AT_ONCE = 2  # wishes: who asks twice does not want to wait
EXIT_MODEL_GONE, EXIT_NOT_STARTED, EXIT_HANGING = 1, 69, 70  # EX_UNAVAILABLE, EX_SOFTWARE


class Stopping:
    """Waits in a thread of its own for the wish to stop, and sees that the process ends.

    A signal handler only counts: it may have interrupted whoever holds the lock that it would need.
    """

    def __init__(
        self,
        gate: Gate,
        stop_seconds: float,
        begin: Callable[[int], None],
        give_back: Callable[[], None],
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        """`begin` is called once, with the exit code, and takes no more messages; `give_back` may be called
        again and again.
        """
        self.wishes = 0  # of signals; the second means "at once"
        self.exit_code = 0
        self._draining = False
        self._gate = gate
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
        """To stop when the last job in hand has ended, however long that takes."""
        self._draining = True

    def stop(self, exit_code: int) -> None:
        """As a signal, with another exit code."""
        self.exit_code = exit_code
        self.wishes += 1

    def leave_now(self, exit_code: int) -> None:
        """Gives all jobs back, if Redis takes them soon, and ends the process, whatever hangs in it."""
        self._gate.close()
        giving_back = threading.Thread(target=self._give_back_or_say_why, daemon=True)
        giving_back.start()
        giving_back.join(GIVE_BACK_SECONDS)
        self._leave(exit_code)

    def _give_back_or_say_why(self) -> None:
        try:
            self._give_back()
        except QueueUnavailable as error:
            structlog.get_logger().error("jobs are left to their leases", detail=error.detail)

    def _run(self) -> None:
        _wait_while(lambda: not self.begun)
        log = structlog.get_logger()
        log.info("stopping", jobs=len(self._gate), draining=not self.wishes)
        self._gate.close()
        self._begin(self.exit_code)
        _wait_while(lambda: len(self._gate) and not self.wishes)
        _wait_while(lambda: len(self._gate) and self.wishes < AT_ONCE, self._stop_seconds)
        if not len(self._gate):
            _wait_while(lambda: True, LAST_SECONDS)  # it ends with the main thread
        log.warning("giving back", jobs=len(self._gate))
        self.leave_now(self.exit_code)


def _wait_while(condition: Callable[[], object], seconds: float = float("inf")) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
