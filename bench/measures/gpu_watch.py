"""The utilization and the memory of the first GPU, sampled by nvidia-smi, or nothing without a GPU."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from statistics import mean

PROGRAM = "nvidia-smi"
QUERY = ("--format=csv,noheader,nounits", "--id=0")
SAMPLE_MILLISECONDS = 200


@dataclass
class GpuUse:
    """Samples of a stretch of time; empty until it ends, and where there is no GPU."""

    busy_percent: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def words(self) -> str:
        if not self.busy_percent:
            return "no GPU"
        return f"GPU busy {mean(self.busy_percent):.0f} %, at most {max(self.memory_mb):,.0f} MB"


def gpu_name() -> str | None:
    """Return the name of the first GPU, or None without a GPU."""
    if which(PROGRAM) is None:
        return None
    asked = subprocess.run([PROGRAM, "--query-gpu=name", *QUERY], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


@contextmanager
def watched_gpu() -> Iterator[GpuUse]:
    """Sample the GPU until the block ends."""
    use = GpuUse()
    if gpu_name() is None:
        yield use
        return
    with tempfile.TemporaryFile("w+") as lines:
        watcher = subprocess.Popen(
            [PROGRAM, "--query-gpu=utilization.gpu,memory.used", *QUERY, f"--loop-ms={SAMPLE_MILLISECONDS}"],
            stdout=lines,
        )
        try:
            yield use
        finally:
            watcher.kill()
            watcher.wait()
        lines.seek(0)
        for line in lines:
            busy, separator, memory = line.strip().partition(",")
            if separator and busy.strip().isdecimal() and memory.strip().isdecimal():
                use.busy_percent.append(float(busy))
                use.memory_mb.append(float(memory))
