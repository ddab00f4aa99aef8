"""The losses of a batch's running minimization, for its progress bar or for lines of text."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from client.api_client import StyleQueue
from client.commands.losses import losses_in_words
from client.errors import StyleQueueClientError
from shared.wire.loss_records import JobProgress
from shared.wire.records import JobStatus

LOOK_SECONDS = 2.0
QUARTERS = 4


class LossWatch:
    """Polls in a thread of its own while the `with` block runs; `text` has the last losses."""

    def __init__(
        self,
        queue: StyleQueue,
        batch_id: str,
        say: Callable[[str], object] = lambda _: None,
        every_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Prepare the watch; `say` gets a line for each quarter of a picture."""
        self.text = ""
        self._say = say
        self._said = ("", -1)  # the job and the quarter
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
            running = next((job for job in page.jobs if job.progress), None)
            self.text = losses_in_words(running.progress) if running and running.progress else ""
            if running and running.progress:
                self._tell(running.id, running.progress)

    def _tell(self, job_id: str, progress: JobProgress) -> None:
        """Say a new quarter, and nothing before the time left is known."""
        quarter = (job_id, int(progress.fraction * QUARTERS))
        if progress.seconds_left is not None and quarter != self._said:
            self._said = quarter
            self._say(self.text)
