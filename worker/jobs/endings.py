"""Writes the outcomes of jobs: those that come during a call are written together by the next call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set

from shared.store.jobs import Ending, JobStore
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus

MOST_AT_ONCE = 16  # in one step, which blocks Redis meanwhile
ENOUGH = 8  # to be written without further delay
LINGER_SECONDS = 0.03


class _Entry:
    """An outcome on its way to Redis."""

    def __init__(self, ending: Ending, *, lingers: bool) -> None:
        self.ending = ending
        self.lingers = lingers
        self.written = False
        self.answer: JobStatus | Exception | None = None


class Endings:
    """One thread at a time writes, also for the threads that wait for it."""

    def __init__(self, store: JobStore, dispatch: Callable[[Set[Lane]], object]) -> None:
        """`dispatch` gets lanes in which jobs may start because others ended."""
        self._store = store
        self._dispatch = dispatch
        self._entries: list[_Entry] = []
        self._added = threading.Condition()  # of the list
        self._writing = threading.Lock()

    def write(self, ending: Ending, *, linger: bool = False) -> JobStatus | None:
        """Return how the job ended, as `JobStore.finish`; `linger` waits a moment for others that end.

        Raises:
            QueueUnavailable: Redis did not respond, or refused this outcome.
        """
        entry = _Entry(ending, lingers=linger)
        with self._added:
            self._entries.append(entry)
            self._added.notify()
        while not entry.written:
            with self._writing:
                if not entry.written:
                    self._write_some()
        if isinstance(entry.answer, Exception):
            raise entry.answer
        return entry.answer

    def _write_some(self) -> None:
        with self._added:
            self._added.wait_for(self._are_due, LINGER_SECONDS)
            some, self._entries = self._entries[:MOST_AT_ONCE], self._entries[MOST_AT_ONCE:]
        answers: Sequence[JobStatus | Exception | None]
        freed: Set[Lane] = set()
        try:
            ends = self._store.finish([entry.ending for entry in some])
            answers, freed = ends.statuses, ends.freed
        except Exception as error:
            answers = [error for _ in some]  # each thread raises it
        for entry, answer in zip(some, answers, strict=True):
            entry.answer, entry.written = answer, True
        if freed:
            self._dispatch(freed)

    def _are_due(self) -> bool:
        return len(self._entries) >= ENOUGH or not all(entry.lingers for entry in self._entries)
