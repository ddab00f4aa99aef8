"""The slots of a worker process: threads that run claimed jobs, with at most one job waiting behind each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from structlog.contextvars import clear_contextvars

Held = TypeVar("Held")  # a claimed job
THREADS_PER_SLOT = 3  # one works in the slot while the others wait for their outcome to be written


class Slots(Generic[Held]):
    """Admits jobs: as many as there is room for, or one alone, and no new one after it was closed.

    One thread admits them. A job counts before it is claimed, so that no job starts unseen while the process
    stops.
    """

    def __init__(self, number: int) -> None:
        self.closed = False
        self._number = number
        self._inside = 0  # jobs that run, wait, are about to be claimed, or are being ended
        self._running = 0  # jobs that have a slot
        self._mine = threading.local()  # whether this thread's job has a slot
        self._alone = False  # the job admitted last must be alone
        self._waiting = deque[Held]()
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)  # for callers that claim, stop or wait for the end
        self._work = threading.Condition(self._lock)  # for the threads; each change wakes one of them at most

    def __len__(self) -> int:
        return self._inside

    @property
    def is_alone(self) -> bool:
        """Return whether the job inside must be alone."""
        return self._alone

    @property
    def busy(self) -> int:
        """Return the number of jobs that run or wait for a slot."""
        return self._running + len(self._waiting)

    def start(self, run: Callable[[Held], None], report: Callable[[Exception], None]) -> None:
        """Start the threads; `report` gets the errors of `run`."""
        for number in range(THREADS_PER_SLOT * self._number):
            name, serve = f"slot-{number + 1}", self._serve
            threading.Thread(target=serve, args=(run, report), name=name, daemon=True).start()

    @contextmanager
    def room(self, *, alone: bool = False) -> Iterator[int]:
        """Wait for a free slot, and yield the number of jobs that may be claimed in the block; 0 if closed.

        There is room for one waiting job per slot. A caller that must be `alone` waits until all jobs have
        ended, and the next caller waits until its job has.
        """
        with self._room:
            self._room.wait_for(lambda: self.closed or self._has_room(alone=alone))
            room = 0 if self.closed else 1 if alone else 2 * self._number - self.busy
            self._alone = alone
            self._inside += 1
        try:
            yield room
        finally:
            self._leave()

    def add(self, held: Held) -> None:
        """Let a claimed job run when its turn comes."""
        with self._lock:
            self._inside += 1
            self._waiting.append(held)
            self._wake_one()

    def wait_for_room(self) -> list[Held]:
        """Wait until a slot is free. If that ends because of `close`, return the jobs that waited for one."""
        with self._room:
            self._room.wait_for(lambda: self.closed or self._has_room())
            waiting = list(self._waiting) if self.closed else []
            for _ in waiting:
                self._waiting.popleft()
        return waiting

    def let_go(self, jobs: list[Held]) -> None:
        """Forget jobs that `wait_for_room` returned, once they are given back."""
        for _ in jobs:
            self._leave()

    def free(self) -> None:
        """Give the slot of this thread's job to the next one; the job only has to be ended."""
        if getattr(self._mine, "slot", False):
            self._mine.slot = False
            with self._lock:
                self._running -= 1
                self._wake_one()
                self._room.notify_all()

    def wait_until_empty(self) -> None:
        with self._room:
            self._room.wait_for(lambda: not self._inside)

    def close(self) -> None:
        """Admit nothing from now on. Jobs in a slot go on."""
        with self._room:
            self.closed = True
            self._room.notify_all()

    def _has_room(self, *, alone: bool = False) -> bool:
        return not self._inside if alone or self._alone else self.busy < self._number

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._room.notify_all()

    def _can_run(self) -> bool:
        return len(self._waiting) > 0 and self._running < self._number

    def _wake_one(self) -> None:
        """Wake a thread if a job can run. One that comes from its last job looks by itself."""
        if self._can_run():
            self._work.notify()

    def _serve(self, run: Callable[[Held], None], report: Callable[[Exception], None]) -> None:
        while True:
            with self._work:
                self._work.wait_for(self._can_run)
                held = self._waiting.popleft()
                self._running += 1
            self._mine.slot = True
            try:
                run(held)
            except Exception as error:
                report(error)
            finally:
                clear_contextvars()  # the next line of this thread is not about this job
                self.free()
                self._leave()
