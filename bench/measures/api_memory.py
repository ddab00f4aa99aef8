"""Measure the resident memory of the API's processes while a request runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.measures.cpu_use import PARTS

SAMPLE_SECONDS = 0.01
MB = 1_000_000


@dataclass
class Memory:
    """Bytes of the server's two processes together."""

    before: int
    peak: int
    after: int

    @property
    def growth_mb(self) -> float:
        return (self.peak - self.before) / MB

    @property
    def kept_mb(self) -> float:
        """The megabytes that were not freed after the response."""
        return (self.after - self.before) / MB


@contextmanager
def watched(processes: list[psutil.Process]) -> Iterator[Memory]:
    """Take samples until the block ends; then the figures are final."""
    now = resident(processes)
    memory, ended = Memory(now, now, now), threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            memory.peak = max(memory.peak, resident(processes))

    thread = threading.Thread(target=sample, name="memory")
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()
        memory.after = resident(processes)
        memory.peak = max(memory.peak, memory.after)


def api_processes() -> list[psutil.Process]:
    """Return Gunicorn's master and its one worker, which are children of this process."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any(PARTS["api"] in word for word in child.cmdline())]


def resident(processes: list[psutil.Process]) -> int:
    return sum(process.memory_info().rss for process in processes)
