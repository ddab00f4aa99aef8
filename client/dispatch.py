"""Carries many orders out at once: a few threads do the work and put reports on a queue for the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from client.api_client import StyleQueue
from client.errors import StyleQueueClientError, reason_of
from client.file_names import name_of
from client.orders import Order, Wishes
from client.reports import ENDED, Report, Stage
from shared.descriptors import ImageSource
from shared.records import JobStatus, JobView

THREADS = 8
STAGES = {
    JobStatus.QUEUED: Stage.QUEUED,
    JobStatus.CANCELING: Stage.RUNNING,
    JobStatus.RUNNING: Stage.RUNNING,
}


class Dispatch:
    def __init__(self, queue: StyleQueue, orders: Sequence[Order], wishes: Wishes) -> None:
        self._queue = queue
        self._orders = orders
        self._wishes = wishes
        self._steps: SimpleQueue[tuple[Order, Callable[[], None]] | None] = SimpleQueue()
        self._reports: SimpleQueue[Report | BaseException] = SimpleQueue()
        self._locks = {picture: Lock() for order in orders for picture in (order.photo, order.style)}
        self._sources: dict[Path | str, ImageSource] = {}
        self._ids: dict[Order, str] = {}

    def reports(self) -> Iterator[Report]:
        """Submits everything first, then waits and saves; ends when every order has ended."""
        for order in self._orders:
            self._steps.put((order, partial(self._send, order)))
        for _ in range(THREADS):
            # Daemons, so that Ctrl-C need not wait for requests that the service holds back.
            Thread(target=self._work, daemon=True).start()
        left = len(self._orders)
        try:
            while left:
                report = self._reports.get()
                if isinstance(report, BaseException):
                    raise report
                left -= report.stage in ENDED
                yield report
        finally:
            self._stop()

    def _stop(self) -> None:
        with suppress(Empty):
            while True:
                self._steps.get_nowait()
        for _ in range(THREADS):
            self._steps.put(None)

    def _work(self) -> None:
        while (entry := self._steps.get()) is not None:
            order, step = entry
            try:
                step()
            except (StyleQueueClientError, OSError) as error:
                self._reports.put(Report(order, Stage.FAILED, self._ids.get(order), reason_of(error)))
            except BaseException as bug:  # raised again by the caller's thread
                self._reports.put(bug)

    def _send(self, order: Order) -> None:
        job = self._queue.submit(
            self._source(order.photo),
            self._source(order.style),
            params=self._wishes.params,
            output=self._wishes.output,
            lane=self._wishes.lane,
            metadata={"photo": name_of(order.photo), "style": name_of(order.style)},
        )
        self._report(order, job)
        self._steps.put((order, partial(self._finish, order, job)))

    def _source(self, picture: Path | str) -> ImageSource:
        """Each picture is uploaded once, however many orders name it."""
        with self._locks[picture]:
            if picture not in self._sources:
                self._sources[picture] = self._queue.source(picture)
            return self._sources[picture]

    def _finish(self, order: Order, job: JobView) -> None:
        self._queue.save(self._queue.wait(job, on_change=partial(self._report, order)), order.target)
        self._reports.put(Report(order, Stage.DONE, job.id))

    def _report(self, order: Order, job: JobView) -> None:
        self._ids[order] = job.id
        if not job.finished:
            self._reports.put(Report(order, STAGES[job.status], job.id))
