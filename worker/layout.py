"""Chooses the processes of a machine: one engine per GPU or host with hands, or workers with a model each."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from shared.wire.descriptors import Lane
from worker.model.memory import available_bytes

PROCESS_BYTES = 2_000_000_000  # an engine, or a worker with its model, and a few pictures of 12 megapixels
HAND_BYTES = 600_000_000  # a hand with its decoders and their pictures
CORES_OF_AN_ENGINE = 2  # on a GPU host; the rest is for hands
CORES_OF_A_HAND = 2  # on a host without a GPU, where the model takes most of the time
CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")  # microseconds of CPU per microseconds of time
NVIDIA_DEVICES = Path("/proc/driver/nvidia/gpus")
DEVICES = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Layout:
    """The processes of one host, and the CPU threads of a model call."""

    processes: int  # hands of the engines; without engines, workers with a model each
    intra_op_threads: int  # 0: TensorFlow's own choice
    gpus: int
    engines: int = 0

    def environment(self, index: int) -> dict[str, str]:
        """Return the variables for process number `index`, from 0."""
        if self.engines:
            return self._settings(self.processes) | {DEVICES: ""}
        return self._settings(self.processes) | self._device(index)

    def engine_environment(self, index: int) -> dict[str, str]:
        """Return the variables for engine number `index`, from 0."""
        return self._settings(self.engines) | self._device(index)

    def _settings(self, processes: int) -> dict[str, str]:
        return {
            "STYLEQUEUE_INTRA_OP_THREADS": str(self.intra_op_threads),
            "STYLEQUEUE_PROCESSES_PER_HOST": str(processes),
        }

    def _device(self, index: int) -> dict[str, str]:
        return {DEVICES: str(index % self.gpus)} if self.gpus else {}


def layout(processes: int | None = None, lanes: Collection[Lane] = ()) -> Layout:
    """Return the layout with the given number of processes; None means as many as fill this machine.

    Jobs with the method 'optimize' need a model in the worker's own process, one per GPU or core. All other
    lanes have hands beside one engine per GPU, or one for all cores.
    """
    gpus, cores, memory = _gpu_count(), core_count(), available_bytes()
    if Lane.OPTIMIZE in lanes:
        processes = processes or gpus or max(1, min(cores, memory // PROCESS_BYTES))
        return Layout(processes, 0 if gpus else max(1, cores // processes), gpus)
    engines = gpus or 1
    most = max(engines, (memory - engines * PROCESS_BYTES) // HAND_BYTES)
    fitting = max(engines, cores - CORES_OF_AN_ENGINE if gpus else cores // CORES_OF_A_HAND)
    return Layout(max(engines, processes or min(most, fitting)), 0 if gpus else 1, gpus, engines)


def calls_at_once(intra_op_threads: int) -> int:
    """Return how many calls of an engine's model fill the cores."""
    cores = core_count()
    return max(1, cores // (intra_op_threads or cores))


def core_count() -> int:
    """Return the number of cores that this process, or its container, may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CGROUP_CPU.read_text().split()
        return min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or "max"
        return cores


def _gpu_count() -> int:
    return len(list(NVIDIA_DEVICES.iterdir())) if NVIDIA_DEVICES.is_dir() else 0
