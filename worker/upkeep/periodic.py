"""A step that a thread repeats until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from shared.errors import StyleQueueError


class Periodic:
    """Calls `step` at once and then every `seconds`, whether it fails or not.

    While `needed` says no, the thread sleeps; `seconds` after `wake` it calls `step` again.
    It logs the first of equal failures in a row, and the recovery, so an outage does not fill the log.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        step: Callable[[], object],
        needed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self._seconds = seconds
        self._step = step
        self._needed = needed
        self._awake = threading.Event()
        self._failure: str | None = None  # the code of the last step's error
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._awake.set()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self._awake.set()

    def stop(self) -> None:
        """Stop after the running step."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._run_step()
        while not self._stopping.is_set():
            self._awake.clear()  # before the question, so that no call of `wake` is lost
            if not (self._needed() or self._stopping.is_set()):
                self._awake.wait()
            if not self._stopping.wait(self._seconds):
                self._run_step()

    def _run_step(self) -> None:
        log = structlog.get_logger(thread=self.name)
        try:
            self._step()
        except StyleQueueError as error:
            if error.code != self._failure:
                log.warning("periodic step failed", code=error.code, detail=error.detail)
            self._failure = error.code
        except Exception:
            log.exception("periodic step failed")
        else:
            if self._failure:
                log.info("periodic step recovered", code=self._failure)
            self._failure = None
