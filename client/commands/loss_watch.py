"""The losses of a batch's running minimization, for its progress bar."""

from __future__ import annotations

from threading import Event, Thread

from client.api_client import StyleQueue
from client.commands.losses import losses_in_words
from client.errors import StyleQueueClientError
from shared.wire.records import JobStatus

LOOK_SECONDS = 2.0


class LossWatch:
    """Polls in a thread of its own while the `with` block runs; `text` has the last losses."""

    def __init__(self, queue: StyleQueue, batch_id: str, every_seconds: float = LOOK_SECONDS) -> None:
        self.text = ""
        self._every_seconds = every_seconds
        self._queue = queue
        self._batch_id = batch_id
        self._done = Event()

    def __enter__(self) -> LossWatch:
        # A daemon thread, so that Ctrl-C does not wait for its request.
        Thread(target=self._run, name="losses", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _run(self) -> None:
        while not self._done.wait(self._every_seconds):
            try:
                page = self._queue.jobs(JobStatus.RUNNING, limit=1, batch_id=self._batch_id)
            except StyleQueueClientError:
                continue  # the requests for pictures report the reason
            except RuntimeError:
                return  # the client was closed
            self.text = next((losses_in_words(job.progress) for job in page.jobs if job.progress), "")
