"""Style parameters by the identity of their picture: the least recently used go first, counted in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from worker.arrays import StyleParameters
from worker.metrics import STYLE_CACHE


class StyleCache:
    """Shared by all threads of a process. Of those who ask for a style at the same time, one computes it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._parameters: OrderedDict[str, StyleParameters] = OrderedDict()
        self._computing: dict[str, Future[StyleParameters]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, compute: Callable[[], StyleParameters]) -> tuple[StyleParameters, bool]:
        """The parameters under `key`, and whether they were there or being computed already.

        What `compute` raises is raised to all who wait for it, and nothing is kept.
        """
        with self._lock:
            known = self._parameters.get(key)
            if known is not None:
                self._parameters.move_to_end(key)
            pending = self._computing.get(key)
            if known is None and pending is None:
                mine = self._computing[key] = Future()
        hit = known is not None or pending is not None
        STYLE_CACHE.labels("hit" if hit else "miss").inc()
        if known is not None:
            return known, hit
        return (pending.result() if pending else self._compute(key, mine, compute)), hit

    def _compute(
        self, key: str, mine: Future[StyleParameters], compute: Callable[[], StyleParameters]
    ) -> StyleParameters:
        try:
            parameters = compute()
        except BaseException as error:
            with self._lock:
                del self._computing[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._computing[key]
            self._keep(key, parameters)
        mine.set_result(parameters)
        return parameters

    def _keep(self, key: str, parameters: StyleParameters) -> None:
        self._parameters[key] = parameters
        self._bytes += parameters.nbytes
        while self._bytes > self._max_bytes and len(self._parameters) > 1:
            _, oldest = self._parameters.popitem(last=False)
            self._bytes -= oldest.nbytes
