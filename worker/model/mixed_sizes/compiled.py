"""Calls of the model that are compiled while the worker works; until one is ready, the plain graph serves."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import structlog

Shape = TypeVar("Shape", bound=Hashable)
Call = Callable[..., Any]


class CompiledCalls(Generic[Shape]):
    """One compiled call for each shape that was asked for, compiled one after the other in that order."""

    def __init__(self, compile_shape: Callable[[Shape], Call]) -> None:
        """`compile_shape` takes seconds. A shape for which it raises is not tried again."""
        self._compile = compile_shape
        self._calls: dict[Shape, Call | None] = {}  # None: asked for, and not, or never, ready
        self._asked: queue.SimpleQueue[Shape] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def get(self, shape: Shape) -> Call | None:
        """Return the compiled call, or None if it is not ready; the first such request has it compiled."""
        with self._lock:
            if shape not in self._calls:
                self._calls[shape] = None
                self._asked.put(shape)
                self._start()
            return self._calls[shape]

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="compiler", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            shape = self._asked.get()
            try:
                call = self._compile(shape)
            except Exception as error:  # the plain graph goes on serving this shape
                structlog.get_logger().warning("shape not compiled", shape=shape, error=str(error)[:200])
            else:
                with self._lock:
                    self._calls[shape] = call
