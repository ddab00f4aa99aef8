"""The memory of a stack's programs while it paints, as the system shares it out (PSS)."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

SAMPLE_SECONDS = 0.05
ROLES = {"worker.engine.command": "engine", "worker.images.decoder": "decoder", "celery": "worker"}


class Peaks:
    """The highest memory of each role, and of engine, decoders and workers together, in bytes."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            now: Counter[str] = Counter()
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    now.update({role: process.memory_full_info().pss for role in roles_of(process)})
            now["all three"] = sum(now.values())
            for role, size in now.items():
                self.bytes[role] = max(self.bytes[role], size)


def roles_of(process: psutil.Process) -> list[str]:
    """Return the role of one of the programs that paint."""
    words = process.cmdline()
    return [role for word, role in ROLES.items() if any(word in each for each in words)][:1]
