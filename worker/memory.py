"""How much memory this process may use for pictures in the model."""

from __future__ import annotations

from pathlib import Path

import psutil

SHARE = 0.7  # of what is there when the worker starts; the rest is for decoding, encoding and the system
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_bytes() -> int:
    """Free memory of the machine, or of the container if that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int(CGROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no cgroup, or "max"
        return free
    return min(free, limit)


def model_budget_bytes(configured: int, processes: int) -> int:
    """`configured`, or a fair share of the memory that is there if that is 0."""
    return configured or int(available_bytes() * SHARE / processes)
