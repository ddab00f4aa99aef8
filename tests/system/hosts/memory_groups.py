"""A group of processes with a common memory limit; the kernel kills one that exceeds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stacks.servers import wait_until
from tests.system.requirements import root

VERSION_1, VERSION_2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


class MemoryGroup:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def inside(self) -> tuple[str, ...]:
        """Return a command that runs the command behind it in the group."""
        return ("/bin/sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "inside")

    def killed(self) -> int:
        """Return how many of its processes the kernel has killed for their memory."""
        events = self._folder / ("memory.oom_control" if self._is_first() else "memory.events")
        words = dict(line.split() for line in events.read_text().splitlines())
        return int(words["oom_kill"])

    def limit(self, size: int) -> None:
        (self._folder / ("memory.limit_in_bytes" if self._is_first() else "memory.max")).write_text(str(size))

    def _is_first(self) -> bool:
        return VERSION_1 in self._folder.parents


@contextmanager
def memory_group(size: int) -> Iterator[MemoryGroup]:
    """Make a group; remove it when its processes have ended."""
    root()
    parent = VERSION_1 if VERSION_1.is_dir() else VERSION_2
    folder = parent / f"stylequeue-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.fail(f"no group can be made in {parent} ({error.strerror}); this test needs a writable cgroup")
    try:
        group = MemoryGroup(folder)
        group.limit(size)
        yield group
    finally:
        wait_until(lambda: not (folder / "cgroup.procs").read_text(), what="an empty group")
        folder.rmdir()
