"""Processor time by part of the stack, and of programs outside it."""

from __future__ import annotations

import time
from collections import Counter

import psutil

PARTS = {  # part -> a word of its command line
    "api": "gunicorn",
    "decoders": "worker.images.decoder",
    "engine": "engine",
    "workers": "celery",
    "redis": "redis-server",
    "s3": "rclone",
    "loop": "bench.baselines.plain_loop",
}
SELF = "client"  # this process
OTHER = "other children"
SHORTEST_SECONDS = 1.0  # processor time is counted in ticks of 10 ms


class CpuUse:
    """Processor time since this was made."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()
        self._strangers_before = _busy_seconds() - _own_seconds()
        self._before = seconds_with_client(psutil.Process())

    def seconds_by_part(self) -> dict[str, float]:
        """Return the seconds of each part since then."""
        now = seconds_with_client(psutil.Process())
        return {part: now[part] - self._before[part] for part in sorted(now)}

    def cores_of_others(self) -> float:
        """Return the cores that other programs, or another guest of the machine, used on average.

        0 for a time shorter than the resolution of the clock allows.
        """
        seconds = time.perf_counter() - self._begin
        if seconds < SHORTEST_SECONDS:
            return 0.0
        return max(0.0, (_busy_seconds() - _own_seconds() - self._strangers_before) / seconds)


def _busy_seconds() -> float:
    """Return the busy time of all cores since boot, including time that the hypervisor took."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "steal", 0.0))


def _own_seconds() -> float:
    """Return the time of this process and its descendants, including those that have ended."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def seconds_with_client(root: psutil.Process) -> Counter[str]:
    """Return the processor time of this process, and of each part among the descendants of `root`.

    The time of a process that has ended counts for the part of its parent.
    """
    own = psutil.Process().cpu_times()
    used = Counter({SELF: own.user + own.system})
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
            used[_part_of(child)] += sum(
                (times.user, times.system, times.children_user, times.children_system)
            )
        except psutil.NoSuchProcess:
            continue
    return used


def _part_of(child: psutil.Process) -> str:
    words = " ".join(child.cmdline()[:8])  # the kernel may show a tether's command line before the program's
    return next((part for part, word in PARTS.items() if word in words), OTHER)
