"""Caches style parameters by the identity of their picture; the least recently used are dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from shared.wire.records import JobWarning
from worker.images.arrays import StyleParameters
from worker.telemetry.metrics import STYLE_CACHE


@dataclass(frozen=True)
class KnownStyle:
    """A style as the model needs it, and the warnings about its file."""

    parameters: StyleParameters
    warnings: tuple[JobWarning, ...] = ()


class StyleCache:
    """A cache limited in bytes, for all threads; if several ask for the same style, one computes it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._styles: OrderedDict[str, KnownStyle] = OrderedDict()
        self._computing: dict[str, Future[KnownStyle]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, compute: Callable[[], KnownStyle]) -> tuple[KnownStyle, bool]:
        """Return the style of `key`, and whether it was there or being computed already.

        An error of `compute` is raised in all threads that wait for the style, and nothing is kept.
        """
        with self._lock:
            known = self._styles.get(key)
            if known is not None:
                self._styles.move_to_end(key)
            pending = self._computing.get(key)
            if known is None and pending is None:
                mine = self._computing[key] = Future()
        hit = known is not None or pending is not None
        STYLE_CACHE.labels("hit" if hit else "miss").inc()
        if known is not None:
            return known, hit
        return (pending.result() if pending else self._compute(key, mine, compute)), hit

    def _compute(self, key: str, mine: Future[KnownStyle], compute: Callable[[], KnownStyle]) -> KnownStyle:
        try:
            style = compute()
        except BaseException as error:
            with self._lock:
                del self._computing[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._computing[key]
            self._keep(key, style)
        mine.set_result(style)
        return style

    def _keep(self, key: str, style: KnownStyle) -> None:
        self._styles[key] = style
        self._bytes += style.parameters.nbytes
        while self._bytes > self._max_bytes and len(self._styles) > 1:
            _, oldest = self._styles.popitem(last=False)
            self._bytes -= oldest.parameters.nbytes
