"""Who is in this process: many jobs, or one alone; and, after it has been closed, nobody new."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Knows a job before it is claimed, so that between two looks none slips in unseen."""

    def __init__(self) -> None:
        self.closed = False
        self._inside = 0
        self._alone = False  # the one that is inside wants no company
        self._want_alone = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many are inside."""
        return self._inside

    @contextmanager
    def entered(self, *, alone: bool = False) -> Iterator[bool]:
        """Waits until the caller may be inside, and lets it be there for as long as the block runs.

        Answers False if the gate is closed. One who wants to be alone waits until all others have left, and
        from its wish on nobody else gets in before it.
        """
        entered = self._enter(alone=alone)
        try:
            yield entered
        finally:
            if entered:
                self._exit()

    def close(self) -> None:
        """From now on nobody gets in; who is inside is not disturbed."""
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
