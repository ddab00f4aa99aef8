"""Polls for `stylequeue top`, in a thread of their own, so that keys work while the service hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread

from client.api_client import StyleQueue
from client.errors import RequestRefused, StyleQueueClientError
from shared.wire.operations.queue_records import QueueOverview, RecentEnds
from shared.wire.records import WorkerInfo

FIRST_SERVER_ERROR = 500


@dataclass(frozen=True)
class Snapshot:
    """The state of the service, from three requests."""

    queue: QueueOverview
    recent: RecentEnds
    workers: tuple[WorkerInfo, ...]
    taken_at: float  # by time.time()

    @classmethod
    def take(cls, service: StyleQueue) -> Snapshot:
        """Ask the service.

        Raises:
            RequestRefused: the key is not an admin's.
            StyleQueueClientError: the service does not respond.
        """
        recent = service.operations.recent()  # first, because it takes an admin key
        return cls(service.queue(), recent, service.operations.workers(), time.time())


@dataclass(frozen=True)
class Sight:
    """The last snapshot, and the reason why it may be old."""

    snapshot: Snapshot
    trouble: str | None = None


class Feed:
    """Polls again and again, also while the service does not respond."""

    def __init__(self, service: StyleQueue, first: Snapshot, every_seconds: float) -> None:
        self.sight = Sight(first)
        self._service = service
        self._every_seconds = every_seconds
        self._refusal: RequestRefused | None = None
        self._stopped = Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Poll while the block runs. At its end, a request that hangs is abandoned."""
        Thread(target=self._run, name="top", daemon=True).start()
        try:
            yield
        finally:
            self._stopped.set()

    def check(self) -> None:
        """Raise RequestRefused if the service refused a poll, because further polls are useless."""
        if self._refusal:
            raise self._refusal

    def _run(self) -> None:
        while not self._refusal and not self._stopped.wait(self._every_seconds):
            try:
                self._look()
            except Exception:
                if not self._stopped.is_set():  # else the client was closed during this poll
                    raise

    def _look(self) -> None:
        try:
            self.sight = Sight(Snapshot.take(self._service))
        except StyleQueueClientError as error:
            if isinstance(error, RequestRefused) and error.status < FIRST_SERVER_ERROR:
                self._refusal = error
            self.sight = replace(self.sight, trouble=str(error))
