from __future__ import annotations

from pathlib import Path

import pytest

from shared.wire.descriptors import FAST_LANES, Lane
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
    ("cores", "gigabytes", "wanted", "hands"),
    [
        (2, 24, None, 1),
        (16, 64, None, 8),
        (64, 10, None, 13),  # memory is the tighter limit
        (1, 1, None, 1),
        (2, 24, 4, 4),
    ],
)
def test_one_engine_has_all_cores_and_hands_beside_it(
    machine: object, cores: int, gigabytes: int, wanted: int | None, hands: int
) -> None:
    machine(cores, gigabytes)  # type: ignore[operator]
    assert layout(wanted, FAST_LANES) == Layout(hands, intra_op_threads=1, gpus=0, engines=1)


@pytest.mark.parametrize(
    ("cores", "gigabytes", "wanted", "processes", "threads"),
    [(2, 24, None, 2, 1), (64, 32, None, 16, 4), (1, 1, None, 1, 1), (8, 64, 2, 2, 4), (2, 24, 4, 4, 1)],
)
def test_workers_that_minimize_have_a_model_each(
    machine: object, cores: int, gigabytes: int, wanted: int | None, processes: int, threads: int
) -> None:
    machine(cores, gigabytes)  # type: ignore[operator]
    assert layout(wanted, [Lane.OPTIMIZE]) == Layout(processes, threads, gpus=0)


def test_a_container_uses_the_cores_it_was_given(machine: object) -> None:
    machine(64, 256, quota="450000 100000")  # type: ignore[operator]
    assert layout().processes == 2


def test_each_gpu_has_an_engine_that_sees_it_alone_and_hands_see_none(machine: object) -> None:
    machine(16, 64, gpus=4)  # type: ignore[operator]
    chosen = layout()
    assert (chosen.engines, chosen.processes) == (4, 14)
    devices = [chosen.engine_environment(index)["CUDA_VISIBLE_DEVICES"] for index in range(4)]
    assert devices == ["0", "1", "2", "3"]
    assert chosen.engine_environment(0)["STYLEQUEUE_PROCESSES_PER_HOST"] == "4"
    assert chosen.environment(5)["CUDA_VISIBLE_DEVICES"] == ""
    assert chosen.environment(5)["STYLEQUEUE_PROCESSES_PER_HOST"] == "14"


def test_workers_that_minimize_on_gpus_have_one_each(machine: object) -> None:
    machine(16, 64, gpus=2)  # type: ignore[operator]
    chosen = layout(lanes=[Lane.OPTIMIZE])
    assert (chosen.engines, chosen.processes) == (0, 2)
    assert chosen.environment(1)["CUDA_VISIBLE_DEVICES"] == "1"
