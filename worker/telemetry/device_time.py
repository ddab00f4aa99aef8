"""The time that pictures take on the device, noted for the thread whose job they are of.

Pictures of several jobs share a call of the model, and each job gets its share of the time. A thread runs
one job at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class _Noted(threading.local):
    seconds = 0.0


_noted = _Noted()


def note_device_seconds(seconds: float) -> None:
    _noted.seconds += seconds


def device_seconds() -> float:
    """Return the seconds that were ever noted for this thread."""
    return _noted.seconds


@contextmanager
def on_device() -> Iterator[None]:
    """Note the time of the block for this thread."""
    began = time.perf_counter()
    try:
        yield
    finally:
        note_device_seconds(time.perf_counter() - began)
