"""The rate of a device, kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.painting.device_rate import FILE, DeviceRate


def test_it_is_unknown_at_first_then_kept_for_its_device_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    rate = DeviceRate(folder, "cpu")
    assert rate.value is None
    rate.note(40_000)
    DeviceRate(folder, "gpu:0").note(5e6)
    assert DeviceRate(folder, "cpu").value == 40_000
    assert DeviceRate(folder, "gpu:0").value == 5e6
    assert [file.name for file in folder.iterdir()] == [FILE]


def test_it_follows_what_is_measured(tmp_path: Path) -> None:
    rate = DeviceRate(tmp_path, "cpu")
    for measured in (40_000, 20_000, 20_000):
        rate.note(measured)
    assert rate.value == 25_000


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"cpu": "fast"}', '{"cpu": -1}', "null"])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    rate = DeviceRate(tmp_path, "cpu")
    assert rate.value is None
    rate.note(30_000)
    assert DeviceRate(tmp_path, "cpu").value == 30_000


def test_a_folder_that_cannot_be_written_costs_only_the_memory_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    rate = DeviceRate(tmp_path / "file", "cpu")
    rate.note(30_000)
    assert rate.value == 30_000
