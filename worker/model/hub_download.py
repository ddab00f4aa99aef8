"""Watches tensorflow_hub while it downloads a model: logs the progress, removes locks of dead processes.

tensorflow_hub lets one of several processes download; the others wait until its lock file is gone
(tensorflow_hub/resolver.py, atomic_download). They wait silently, and for up to 20 minutes if the process
that made the lock was killed.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from worker.model.hub_cache import cached_model

LOOK_SECONDS = 1.0
SAY_SECONDS = 30.0  # between two lines about one download
ANSWER_SECONDS = 60.0  # a server that is silent for longer ends the download
STALLED_SECONDS = 300.0  # tensorflow_hub writes 10 MB at a time, so 35 kB/s still count as progress
START_TIME_ERROR_SECONDS = 2.0  # psutil counts from a boot time in whole seconds


@contextmanager
def watched_download(handle: str) -> Iterator[None]:
    """Watch tensorflow_hub in the block: log what it waits for, and remove locks of dead processes."""
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(HubDownload(cached_model(handle)), done), daemon=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(ANSWER_SECONDS)  # tensorflow_hub gives its request none
    watch.start()
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
        done.set()
        watch.join()


def _watch(download: HubDownload, done: threading.Event) -> None:
    while not done.wait(LOOK_SECONDS):
        with suppress(OSError):  # a lock that cannot be read now is read again
            download.look(time.monotonic())


@dataclass(frozen=True)
class Lock:
    """The content of a lock file: `HOST.PID.TASK`, written when the download began."""

    host: str
    process_id: int
    task: str
    made_at: float  # seconds since the epoch

    @classmethod
    def read(cls, file: Path) -> Lock | None:
        """Read the lock; return None without a lock, or if tensorflow_hub did not write it."""
        try:
            host, process_id, task = file.read_text().rsplit(".", 2)
            return cls(host, int(process_id), task, file.stat().st_mtime)
        except (FileNotFoundError, ValueError):
            return None

    def is_own(self) -> bool:
        return self.process_id == os.getpid() and not self.is_left_behind() and self._is_of_this_host()

    def is_left_behind(self) -> bool:
        """Return whether a process of this host made the lock and is gone."""
        if not self._is_of_this_host():
            return False
        try:
            process = psutil.Process(self.process_id)
            # a container that is started again has the same name, and the same ids for its new processes
            is_another = process.create_time() > self.made_at + START_TIME_ERROR_SECONDS
            return is_another or bool(process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    def _is_of_this_host(self) -> bool:
        return self.host == socket.gethostname()


class HubDownload:
    """One model's folder in tensorflow_hub's cache; `look` is called again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder.with_name(f"{folder.name}.lock")
        self._seen: tuple[Lock, int] | None = None  # the lock, and the bytes that its holder has written
        self._unchanged_since = 0.0
        self._say_again_at = 0.0

    def look(self, now: float) -> None:
        """Look at the lock once; `now` is monotonic."""
        lock = Lock.read(self._file)
        if lock is None:
            return
        seen = lock, _size(self._unpacked(lock))
        if seen != self._seen:
            self._seen, self._unchanged_since = seen, now
        own = lock.is_own()
        if lock.is_left_behind():
            self._remove(lock, "its process is gone")
        elif not own and now - self._unchanged_since > STALLED_SECONDS:
            self._remove(lock, f"it has not grown for {STALLED_SECONDS:g} s")
        elif now >= self._say_again_at:
            self._say_again_at = now + SAY_SECONDS
            self._say("downloading the model" if own else "waiting for another process's download", *seen)

    def _unpacked(self, lock: Lock) -> Path:
        return self._folder.with_name(f"{self._folder.name}.{lock.task}.tmp")

    def _remove(self, lock: Lock, why: str) -> None:
        """Remove the lock, so that another download can start. A holder that still lives would only fail."""
        if Lock.read(self._file) == lock:  # another process may have replaced it
            self._file.unlink(missing_ok=True)
            shutil.rmtree(self._unpacked(lock), ignore_errors=True)
            structlog.get_logger().warning("removed an abandoned download", why=why, **self._facts(lock))

    def _say(self, event: str, lock: Lock, size: int) -> None:
        structlog.get_logger().info(event, megabytes=round(size / 1e6, 1), **self._facts(lock))

    def _facts(self, lock: Lock) -> dict[str, object]:
        return {"holder": f"{lock.host} (process {lock.process_id})", "lock": str(self._file)}


def _size(folder: Path) -> int:
    """Return the bytes of the files in a folder; files may vanish meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
