"""Many steps at once: a few threads take the items one by one, and the outcomes come as they are ready."""

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
    """A thread has ended; `error` if it had to."""

    error: BaseException | None = None


class Crew(Generic[Item, Outcome]):
    """Items are taken when a thread is free, by one thread at a time; taking one may block."""

    def __init__(self, step: Callable[[Item], Outcome], items: Iterable[Item], threads: int) -> None:
        self._step = step
        self._items = iter(items)
        self._threads = threads
        self._taking = Lock()
        self._stopped = False
        self._outcomes: SimpleQueue[Outcome | _Left] = SimpleQueue()

    def outcomes(self) -> Iterator[Outcome]:
        """Ends when all items are done; an error of a step or of the items is raised here."""
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
