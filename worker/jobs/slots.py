"""The slots of a worker process: threads that run claimed jobs, with at most one job waiting behind each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from structlog.contextvars import clear_contextvars

Held = TypeVar("Held")  # a claimed job


class Slots(Generic[Held]):
    """Admits jobs: as many as there is room for, or one alone, and no new one after it was closed.

    One thread admits them. A job counts before it is claimed, so that no job starts unseen while the process
    stops.
    """

    def __init__(self, number: int) -> None:
        self.closed = False
        self._number = number
        self._inside = 0  # jobs that run, wait, or are about to be claimed
        self._alone = False  # the job admitted last must be alone
        self._waiting = deque[Held]()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._inside

    @property
    def is_alone(self) -> bool:
        """Return whether the job inside must be alone."""
        return self._alone

    def start(self, run: Callable[[Held], None], report: Callable[[Exception], None]) -> None:
        """Start the threads; `report` gets the errors of `run`."""
        for number in range(self._number):
            name, serve = f"slot-{number + 1}", self._serve
            threading.Thread(target=serve, args=(run, report), name=name, daemon=True).start()

    @contextmanager
    def room(self, *, alone: bool = False) -> Iterator[int]:
        """Wait for a free slot, and yield the number of jobs that may be claimed in the block; 0 if closed.

        There is room for one waiting job per slot. A caller that must be `alone` waits until all jobs have
        ended, and the next caller waits until its job has.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._has_room(alone=alone))
            room = 0 if self.closed else 1 if alone else 2 * self._number - self._inside
            self._alone = alone
            self._inside += 1
        try:
            yield room
        finally:
            self._leave()

    def add(self, held: Held) -> None:
        """Let a claimed job run when its turn comes."""
        with self._changed:
            self._inside += 1
            self._waiting.append(held)
            self._changed.notify_all()

    def wait_for_room(self) -> list[Held]:
        """Wait until a slot is free. If that ends because of `close`, return the jobs that waited for one."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._has_room())
            waiting = list(self._waiting) if self.closed else []
            for _ in waiting:
                self._waiting.popleft()
        return waiting

    def let_go(self, jobs: list[Held]) -> None:
        """Forget jobs that `wait_for_room` returned, once they are given back."""
        for _ in jobs:
            self._leave()

    def wait_until_empty(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._inside)

    def close(self) -> None:
        """Admit nothing from now on. Jobs in a slot go on."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _has_room(self, *, alone: bool = False) -> bool:
        return self._inside < (1 if alone or self._alone else self._number)

    def _leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def _serve(self, run: Callable[[Held], None], report: Callable[[Exception], None]) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                held = self._waiting.popleft()
            try:
                run(held)
            except Exception as error:
                report(error)
            finally:
                clear_contextvars()  # the next line of this thread is not about this job
                self._leave()
