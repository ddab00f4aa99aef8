"""Admits jobs to this process: many at a time, or one alone, and no new one after it was closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Counts a job before it is claimed, so that no job starts unseen while the process stops."""

    def __init__(self) -> None:
        self.closed = False
        self._inside = 0
        self._alone = False  # the job inside must be alone
        self._want_alone = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._inside

    @contextmanager
    def entered(self, *, alone: bool = False) -> Iterator[bool]:
        """Wait until the caller is admitted, and keep it inside while the block runs.

        Yields False if the gate is closed. A caller that must be `alone` waits until the others have left,
        and no caller that comes later is admitted before it.
        """
        entered = self._enter(alone=alone)
        try:
            yield entered
        finally:
            if entered:
                self._exit()

    def close(self) -> None:
        """Admit nobody from now on; jobs inside go on."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _enter(self, *, alone: bool) -> bool:
        with self._changed:
            self._want_alone += alone
            self._changed.wait_for(lambda: self.closed or self._may_enter(alone))
            self._want_alone -= alone
            entered = not self.closed
            if entered:
                self._inside += 1
                self._alone = alone
            self._changed.notify_all()
        return entered

    def _exit(self) -> None:
        with self._changed:
            self._inside -= 1
            self._alone = False
            self._changed.notify_all()

    def _may_enter(self, alone: bool) -> bool:
        return not self._inside if alone else not self._alone and not self._want_alone
