from __future__ import annotations

from pathlib import Path

import pytest

from worker import layout as layout_module
from worker.layout import Layout, layout


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """A machine of any size, in place of what the operating system reports."""

    def of(cores: int, gigabytes: int, gpus: int = 0, quota: str = "max 100000") -> None:
        (tmp_path / "cpu.max").write_text(quota)
        monkeypatch.setattr(layout_module, "CGROUP_CPU", tmp_path / "cpu.max")
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
        monkeypatch.setattr(layout_module, "available_bytes", lambda: gigabytes * 10**9)
        devices = tmp_path / "gpus"
        if gpus:
            devices.mkdir()
        for index in range(gpus):
            (devices / str(index)).touch()
        monkeypatch.setattr(layout_module, "NVIDIA_DEVICES", devices)

    return of


@pytest.mark.parametrize(
    ("cores", "gigabytes", "wanted", "processes", "threads"),
    [
        (2, 24, None, 2, 1),
        (64, 256, None, 64, 1),
        (64, 32, None, 16, 4),  # memory is the tighter limit
        (1, 1, None, 1, 1),
        (8, 64, 2, 2, 4),
        (2, 24, 4, 4, 1),
    ],
)
def test_processes_fill_the_cores_as_far_as_memory_goes(
    machine: object, cores: int, gigabytes: int, wanted: int | None, processes: int, threads: int
) -> None:
    machine(cores, gigabytes)  # type: ignore[operator]
    assert layout(wanted) == Layout(processes, threads, 0)


def test_a_container_uses_the_cores_it_was_given(machine: object) -> None:
    machine(64, 256, quota="250000 100000")  # type: ignore[operator]
    assert layout() == Layout(2, 1, 0)


def test_there_is_one_process_for_each_gpu_and_each_sees_its_own(machine: object) -> None:
    machine(16, 64, gpus=4)  # type: ignore[operator]
    chosen = layout()
    assert chosen.processes == 4
    devices = [chosen.environment(index)["CUDA_VISIBLE_DEVICES"] for index in range(4)]
    assert devices == ["0", "1", "2", "3"]
    assert chosen.environment(0)["STYLEQUEUE_PROCESSES_PER_HOST"] == "4"
