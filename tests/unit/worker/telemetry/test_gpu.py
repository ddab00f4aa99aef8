"""A GPU's state is read by the number that CUDA gives it, and is absent where NVML has none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from worker.telemetry.gpu import GpuFacts, gpu_facts, read_facts

UUIDS = ["GPU-00", "GPU-11", "GPU-22"]


class NvmlError(Exception):
    pass


class Nvml:
    """pynvml's functions on a host with three GPUs; a handle is a GPU's number."""

    NVMLError = NvmlError

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's names
        pass

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        if index >= len(UUIDS):
            raise NvmlError
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:  # noqa: N802
        return UUIDS.index(uuid)

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return f"card {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=handle, total=80)

    def nvmlDeviceGetUtilizationRates(self, _: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=25)


@pytest.mark.parametrize(
    ("visible", "index", "card"), [(None, 1, 1), ("", 0, 0), ("2", 0, 2), ("2,0", 1, 0), ("GPU-11", 0, 1)]
)
def test_a_gpu_is_found_by_the_number_that_cuda_gives_it(visible: str | None, index: int, card: int) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert read_facts(Nvml(), index, environment) == GpuFacts(f"card {card}", card, 80, 0.25)


def test_a_device_that_nvml_does_not_know_has_no_facts() -> None:
    assert read_facts(Nvml(), 3, {}) is None


def test_a_host_without_the_driver_has_no_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "99")
    assert gpu_facts() is None
