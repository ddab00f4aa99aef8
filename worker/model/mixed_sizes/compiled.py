"""Calls of the model that are compiled while the worker works; until one is ready, the plain graph serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import structlog

Shape = TypeVar("Shape", bound=Hashable)
Call = Callable[..., Any]


class CompiledCalls(Generic[Shape]):
    """Compiled calls by shape. One is compiled at a time, so that the model keeps its cores and its GPU."""

    def __init__(self, compile_shape: Callable[[Shape], Call]) -> None:
        """`compile_shape` takes seconds. A shape for which it raises is not tried again."""
        self._compile = compile_shape
        self._calls: dict[Shape, Call | None] = {}  # None: not ready, or never
        self._compiling = False
        self._lock = threading.Lock()

    def want(self, shape: Shape) -> None:
        """Start compiling the shape, unless it is known or something else is being compiled."""
        with self._lock:
            if shape not in self._calls and not self._compiling:
                self._calls[shape], self._compiling = None, True
                threading.Thread(target=self._work, args=[shape], name="compiler", daemon=True).start()

    def ready(self) -> dict[Shape, Call]:
        """Return the calls that are ready."""
        with self._lock:
            return {shape: call for shape, call in self._calls.items() if call}

    def _work(self, shape: Shape) -> None:
        call = None
        try:
            call = self._compile(shape)
        except Exception as error:  # the plain graph goes on serving this shape
            structlog.get_logger().warning("shape not compiled", shape=shape, error=str(error)[:200])
        with self._lock:
            self._calls[shape], self._compiling = call, False
