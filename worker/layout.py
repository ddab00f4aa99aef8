"""Chooses the number of processes and threads of a machine: one process per GPU, else one per core."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from worker.model.memory import available_bytes

PROCESS_BYTES = 2_000_000_000  # a worker with its model and a few pictures of 12 megapixels
CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")  # microseconds of CPU per microseconds of time
NVIDIA_DEVICES = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Layout:
    """Processes of one host, and the CPU threads of a model call in each."""

    processes: int
    intra_op_threads: int  # 0: TensorFlow's own choice
    gpus: int

    def environment(self, index: int) -> dict[str, str]:
        """Return the variables for process number `index`, from 0."""
        settings = {
            "STYLEQUEUE_INTRA_OP_THREADS": str(self.intra_op_threads),
            "STYLEQUEUE_PROCESSES_PER_HOST": str(self.processes),
        }
        return settings | ({"CUDA_VISIBLE_DEVICES": str(index % self.gpus)} if self.gpus else {})


def layout(processes: int | None = None) -> Layout:
    """Return the layout with the given number of processes; None means as many as fill this machine.

    On a CPU, processes with one thread each painted more pictures than one process with all threads, because
    the convolutions are too narrow for several threads.
    """
    gpus, cores = _gpu_count(), _core_count()
    if gpus:
        return Layout(processes or gpus, 0, gpus)
    processes = processes or max(1, min(cores, available_bytes() // PROCESS_BYTES))
    return Layout(processes, max(1, cores // processes), 0)


def _core_count() -> int:
    """Return the number of cores that this process, or its container, may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CGROUP_CPU.read_text().split()
        return min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or "max"
        return cores


def _gpu_count() -> int:
    return len(list(NVIDIA_DEVICES.iterdir())) if NVIDIA_DEVICES.is_dir() else 0
