"""A part that is loaded when it is first needed, and then kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Lazily(Generic[Part]):
    """Loads a part once. Other threads wait for it; if loading fails, the next caller tries again."""

    def __init__(self, load: Callable[[], Part]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._part: Part | None = None

    def get(self) -> Part:
        with self._lock:
            if self._part is None:
                self._part = self._load()
            return self._part
