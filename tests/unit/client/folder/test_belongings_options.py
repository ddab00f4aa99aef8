"""The options of `stylequeue submit` about what stays with a photograph, and the times of files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import URL
from tests.unit.command_service import run

TAKEN = 1_000_000_000_123_456_000  # nanoseconds; a time long ago, with a fraction
BELONGINGS = ("--metadata", "keep-all", "--icc", "keep", "--output-alpha", "keep")


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def old_photos(folder: Path) -> Path:
    for number, photo in enumerate(sorted(folder.rglob("*.jpg"))):
        os.utime(photo, ns=(TAKEN, TAKEN + number))
    return folder


def times(out: Path) -> list[int]:
    return [path.stat().st_mtime_ns for path in sorted(out.rglob("*--wave.*"))]


def test_what_a_result_keeps_reaches_the_jobs(bulk: BatchService, command: list[str]) -> None:
    result = run(bulk.url, *command, "--format", "png", *BELONGINGS, "--alpha", "1", "--losses")
    assert result.exit_code == 0, result.output
    expected = {"format": "png", "metadata": "keep-all", "icc": "keep", "alpha": "keep"}
    assert [line["output"] for line in bulk.submitted] == [expected] * 6
    assert bulk.submitted[0]["params"] == {"losses": True}


def test_a_jpeg_file_cannot_keep_alpha(bulk: BatchService, command: list[str], out: Path) -> None:
    result = run(bulk.url, *command, "--output-alpha", "keep")
    assert result.exit_code == 2
    assert "'keep' needs png or webp" in words(result.output)
    assert "--output-alpha" in result.output
    assert bulk.requests == []
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (("--metadata", "keep"), "--metadata was none and is keep"),
        (("--icc", "keep"), "--icc was srgb and is keep"),
        (("--output-alpha", "keep"), "--output-alpha was white and is keep"),
        (("--keep-time",), "--keep-time was off and is on"),
    ],
)
def test_another_command_for_the_same_folder_names_the_option(
    bulk: BatchService, command: list[str], option: tuple[str, ...], named: str
) -> None:
    command += ["--format", "png"]
    assert run(bulk.url, *command).exit_code == 0
    result = run(bulk.url, *command, *option)
    assert result.exit_code == 1
    assert f"{named}. Choose another --out" in result.output


def test_results_get_the_time_of_their_photos_and_only_if_it_is_wanted(
    bulk: BatchService, command: list[str], old_photos: Path, out: Path
) -> None:
    assert run(bulk.url, *command, "--keep-time").exit_code == 0
    assert times(out) == [TAKEN + number for number in range(6)]
    other = out.with_name("other")
    command[-1] = str(other)
    assert run(bulk.url, *command).exit_code == 0
    assert min(times(other)) > TAKEN + 10**9
    assert all("keep_time" not in line for line in bulk.submitted)


def test_a_resumed_command_keeps_the_time_wherever_it_runs(
    bulk: BatchService, old_photos: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old_photos)
    assert run(bulk.url, "submit", "more", "--style", URL, "--out", out, "--keep-time").exit_code == 0
    kept = times(out)
    for path in out.rglob("*--wave.jpg"):
        path.unlink()
    monkeypatch.chdir(tmp_path)
    assert run(bulk.url, "resume", out).exit_code == 0
    assert times(out) == kept == [TAKEN + 4, TAKEN + 5]


def test_pictures_without_a_file_here_have_the_time_of_now(bulk: BatchService, out: Path) -> None:
    result = run(bulk.url, "submit", URL, "--style", URL, "--out", out, "--keep-time")
    assert result.exit_code == 0, result.output
    (time,) = times(out)
    assert time > TAKEN + 10**9
    refused = run(bulk.url, "submit", "s3://b/c/", "--style", URL, "--out", out, "--keep-time")
    assert refused.exit_code == 2
    assert "--keep-time needs photos that are here" in words(refused.output)


def test_an_older_manifest_keeps_no_time(bulk: BatchService, command: list[str], out: Path) -> None:
    assert run(bulk.url, *command).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    for name in ("metadata", "icc", "alpha"):
        del manifest["wishes"]["output"][name]
    del manifest["wishes"]["keep_time"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert "everything is done" in run(bulk.url, *command).output
