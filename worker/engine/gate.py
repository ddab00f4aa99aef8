"""Admits calls to an engine: many at a time, or one alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A caller that must be alone waits until the others have left, and nobody who comes later passes it."""

    def __init__(self) -> None:
        self._inside = 0
        self._alone = False  # the caller inside must be alone
        self._want_alone = 0
        self._changed = threading.Condition()

    @contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Wait until the caller is admitted, and keep it inside while the block runs."""
        with self._changed:
            self._want_alone += alone
            self._changed.wait_for(lambda: self._may_enter(alone=alone))
            self._want_alone -= alone
            self._inside += 1
            self._alone = alone
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._alone = False
                self._changed.notify_all()

    def _may_enter(self, *, alone: bool) -> bool:
        return not self._inside if alone else not self._alone and not self._want_alone
