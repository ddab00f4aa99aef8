"""A step that is repeated in a thread of its own until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from shared.errors import StyleQueueError


class Periodic:
    """Calls `step` at once and then every `seconds`. An error is logged and the next turn tries again."""

    def __init__(self, name: str, seconds: float, step: Callable[[], object]) -> None:
        self.name = name
        self._seconds = seconds
        self._step = step
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begins no further step."""
        self._stopping.set()

    def stop(self) -> None:
        """Ends after the step in hand."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._turn()
        while not self._stopping.wait(self._seconds):
            self._turn()

    def _turn(self) -> None:
        log = structlog.get_logger(thread=self.name)
        try:
            self._step()
        except StyleQueueError as error:
            log.warning("periodic step failed", code=error.code, detail=error.detail)
        except Exception:
            log.exception("periodic step failed")
