"""The whole system on one machine, as one object."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local.data_folder import DataFolder
from local.ports import require_free
from local.startup import Startup
from worker.supervision.supervisor import Report, Supervisor, Wishes

POLL_SECONDS = 0.1


def _silent(_: str) -> None:
    """Report to nobody."""


class LocalStack:
    """Redis, S3, workers and the API as child processes that keep their data in a folder.

    `run` does everything in the calling thread. A `with` statement does it in another thread and sets `url`
    to the API's address; leaving the block raises StackError if a part ended meanwhile.

    If the environment names a Redis or an S3 endpoint, the stack uses that and starts none.
    """

    url: str

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        workers: int | None = None,
        optimizers: int = 0,
        report: Report = _silent,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Configure the stack; nothing starts yet.

        Args:
            port: of the API; 0 takes a free one.
            workers: None starts as many as fill the machine.
            optimizers: workers for the lane 'optimize', besides the others.
            report: called with a line for each step.
            environment: None means the environment of this process.
        """
        self._data = DataFolder(data_dir)
        self._port = port
        self._workers = workers
        self._optimizers = optimizers
        self._report = report
        self._environment = dict(os.environ if environment is None else environment)
        self._wishes = Wishes()
        self._thread = threading.Thread(target=self._run_and_keep_failure, name="local-stack")
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def ask_to_stop(self) -> None:
        """Stop; asked twice, kill without waiting. Safe in a signal handler."""
        self._wishes.stop()

    def ask_to_wake(self) -> None:
        """Start drained workers again. Safe in a signal handler."""
        self._wishes.wake()

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Start everything, call `on_ready` with the API's URL, and watch until asked to stop.

        Raises:
            StackError: a part cannot start, or ended by itself; all other parts are stopped by then.
        """
        if self._port:
            require_free(self._port)
        with self._data.locked() as lock:
            supervisor = Supervisor(
                self._data.root,
                self._data.logs,
                self._wishes,
                self._report,
                inherited=(lock,),
                wake_hint=f"; to start it again: kill -USR1 {os.getpid()}, or 'stylequeue up' anew",
            )
            with supervisor.everything_stopped_after():
                startup = Startup(supervisor, self._data, self._environment)
                stack = startup.start_all(self._port, self._workers, self._optimizers)
                with self._data.announced(stack):
                    on_ready(stack.api_url)
                    supervisor.watch()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            while self._thread.is_alive() and not self._ready.wait(POLL_SECONDS):
                pass
        except BaseException:
            self._finish()
            raise
        if not self._ready.is_set():
            self._raise_failure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()
        if error is None:
            self._raise_failure()

    def _finish(self) -> None:
        self.ask_to_stop()
        self._thread.join()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run_and_keep_failure(self) -> None:
        try:
            self.run(self._announce)
        except BaseException as failure:  # raised again in the thread that waits
            self._failure = failure

    def _announce(self, url: str) -> None:
        self.url = url
        self._ready.set()
