"""A few threads that work off items, and yield each outcome when it is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class _Left:
    """A sign that a thread has ended, with the error that ended it."""

    error: BaseException | None = None


class Crew(Generic[Item, Outcome]):
    """Threads that take an item when they are free, one thread at a time. Taking one may block."""

    def __init__(self, step: Callable[[Item], Outcome], items: Iterable[Item], threads: int) -> None:
        self._step = step
        self._items = iter(items)
        self._threads = threads
        self._taking = Lock()
        self._stopped = False
        self._outcomes: SimpleQueue[Outcome | _Left] = SimpleQueue()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield outcomes until all items are done. An error of a step or of the items is raised here."""
        for _ in range(self._threads):
            # Daemons, so that Ctrl-C need not wait for requests that the service holds back.
            Thread(target=self._work, daemon=True).start()
        left = self._threads
        try:
            while left:
                outcome = self._outcomes.get()
                if not isinstance(outcome, _Left):
                    yield outcome
                elif outcome.error is not None:
                    raise outcome.error
                else:
                    left -= 1
        finally:
            self._stopped = True

    def _work(self) -> None:
        try:
            while True:
                with self._taking:
                    if self._stopped:
                        return
                    item = next(self._items)
                self._outcomes.put(self._step(item))
        except StopIteration:
            self._outcomes.put(_Left())
        except BaseException as error:  # raised again by the caller's thread
            self._outcomes.put(_Left(error))
