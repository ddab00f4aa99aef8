from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bench.clients.bulk_batches import lines
from bench.clients.folder_command import faults
from bench.clients.thin_client import p50_p99
from client.folder.manifest import FILE_NAME, Manifest, Picture, Wishes, write_manifest
from shared.wire.descriptors import Lane, Output
from shared.wire.params import Params

Job = dict[str, Any]


def test_percentiles_lie_within_the_values() -> None:
    assert p50_p99([float(value) for value in range(101)]) == (50, 99)
    assert p50_p99([3.0, 3.0]) == (3, 3)


@pytest.mark.parametrize("lane", Lane)
def test_a_benchmarks_lines_are_different_jobs_of_about_280_bytes(lane: Lane) -> None:
    found = [json.loads(line) for line in lines(50, lane).splitlines()]
    assert len({line["content"]["url"] for line in found}) == len(found) == 50
    assert {line.get("lane", Lane.BULK) for line in found} == {lane}
    assert 250 < len(lines(50, lane)) / 50 < 320


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures and their manifest."""
    pictures = [Picture(input=f"{n}", style="s", file=f"{n}.jpg", job_id=f"job_{n}") for n in range(2)]
    for picture in pictures:
        (tmp_path / picture.file).write_text(picture.input)
    write_manifest(
        Manifest(
            api="http://127.0.0.1",
            digest="",
            idempotency_key="",
            working_folder="",
            wishes=Wishes(params=Params(), output=Output(), lane=Lane.BULK),
            styles=("s",),
            files={},
            pictures=pictures,
        ),
        tmp_path,
    )
    return tmp_path


@pytest.fixture
def jobs() -> list[Job]:
    return [
        {
            "id": f"job_{number}",
            "status": "succeeded",
            "attempt": 1,
            "request": {"content": {"upload_id": f"{number}"}, "style": {"upload_id": "s"}},
            "result": {"sha256": hashlib.sha256(str(number).encode()).hexdigest()},
        }
        for number in range(2)
    ]


def test_a_folder_with_one_file_for_each_job_has_no_fault(folder: Path, jobs: list[Job]) -> None:
    assert faults(folder, jobs, 2) == []


def test_a_file_with_other_bytes_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    (folder / "1.jpg").write_text("other")
    assert faults(folder, jobs, 2) == ["files with other bytes than the result: +1"]


def test_a_missing_file_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    (folder / "1.jpg").unlink()
    assert faults(folder, jobs, 2) == ["files: -1", "files with other bytes than the result: +1"]


def test_a_job_too_many_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    twice = {**jobs[0], "id": "job_2"}
    assert faults(folder, [*jobs, twice], 2) == [
        "jobs in the service: +1",
        "files of no job, or jobs of no file: +1",
    ]


def test_a_second_attempt_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    jobs[0]["attempt"] = 2
    assert faults(folder, jobs, 2) == ["jobs that did not succeed in the first attempt: +1"]


def test_a_partial_file_of_a_killed_command_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    (folder / ".0.part").touch()
    assert faults(folder, jobs, 2) == ["files left over: +1"]


def test_a_folder_without_a_manifest_is_a_fault(folder: Path, jobs: list[Job]) -> None:
    (folder / FILE_NAME).unlink()
    assert faults(folder, jobs, 2) == ["there is no manifest"]
