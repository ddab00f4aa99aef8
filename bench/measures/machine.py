"""The machine on which a figure was measured; figures of different machines cannot be compared."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")  # Linux; elsewhere no flags are known
FLAGS_OF_INTEREST = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile")
PACKAGES = (
    "tensorflow",
    "tensorflow-hub",
    "numpy",
    "pillow",
    "celery",
    "kombu",
    "redis",
    "flask",
    "gunicorn",
)


@dataclass(frozen=True)
class Machine:
    """The machine when a benchmark began. A load average above 0 means that other programs ran."""

    cores: int
    cpu: str
    flags: tuple[str, ...]
    load_average: tuple[float, ...]  # over 1, 5 and 15 minutes
    versions: dict[str, str]

    def line(self) -> str:
        loads = " ".join(f"{load:.2f}" for load in self.load_average)
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        flags = " ".join(self.flags) or "none of interest"
        return f"machine: {self.cores} cores, {self.cpu}, flags: {flags}; load {loads}; {versions}"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def this_machine() -> Machine:
    info = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    fields = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in info.splitlines())
    }
    flags = set(fields.get("flags", "").split())
    return Machine(
        cores=_usable_cores(),
        cpu=fields.get("model name", platform.processor() or platform.machine()),
        flags=tuple(flag for flag in FLAGS_OF_INTEREST if flag in flags),
        load_average=os.getloadavg(),
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    )


def _usable_cores() -> int:
    """Return the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
