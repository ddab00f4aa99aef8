"""Reads a GPU's state from NVIDIA's management library (NVML), which the driver brings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"  # CUDA numbers only these devices; NVML numbers all of the host
PERCENT = 100


@dataclass(frozen=True)
class GpuFacts:
    """The state of one GPU, with what all its processes use."""

    name: str
    memory_used_bytes: int
    memory_total_bytes: int
    utilization: float  # 0..1: the share of the last second or less in which a kernel ran


def gpu_facts(index: int = 0) -> GpuFacts | None:
    """Return the state of the GPU that TensorFlow calls `gpu:<index>`, or None without it or NVML."""
    try:
        import pynvml  # noqa: PLC0415 - only images for GPUs have it
    except ImportError:
        return None
    return read_facts(pynvml, index, os.environ)


def read_facts(nvml: Any, index: int, environment: Mapping[str, str]) -> GpuFacts | None:
    """`nvml` is the module pynvml; calling its nvmlInit again costs microseconds."""
    visible = [name.strip() for name in environment.get(VISIBLE, "").split(",") if name.strip()]
    device = visible[index] if index < len(visible) else str(index)
    try:
        nvml.nvmlInit()
        if device.isdecimal():
            handle = nvml.nvmlDeviceGetHandleByIndex(int(device))
        else:
            handle = nvml.nvmlDeviceGetHandleByUUID(device)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / PERCENT
        return GpuFacts(nvml.nvmlDeviceGetName(handle), memory.used, memory.total, busy)
    except nvml.NVMLError:  # no driver, no such device, or a part of a device without these numbers
        return None
