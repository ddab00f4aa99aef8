"""Folders that cannot be written, from the beginning or during a command."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.batch_service import EVERYTHING, BatchService
from tests.unit.client_server import URL, succeeded
from tests.unit.command_service import COMMAND, ROOT, picture, run

NO_ROOM = 100  # bytes: a picture of these tests, and no manifest
PATIENCE_SECONDS = 60


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@contextmanager
def out_of_room(bulk: BatchService, photos: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that waits for its pictures and may no longer write more than a few bytes into any file."""
    bulk.ending = 0
    words = ["--api", bulk.url, "submit", str(photos), "--style", URL, "--out", str(out)]
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert bulk.settled.wait(PATIENCE_SECONDS)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (NO_ROOM, NO_ROOM))
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_manifest_that_cannot_be_written_any_more_is_a_sentence_and_the_way_to_go_on(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    (photos / "bad.jpg").unlink()
    with out_of_room(bulk, photos, out) as process:
        bulk.ending = EVERYTHING
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    reason = f"Error: {out / 'manifest.json'} cannot be written: File too large"
    assert output.endswith(f"{reason}\n\nTo continue later:\n\n    stylequeue resume {out}\n")
    assert "Traceback" not in output
    result = run(bulk.url, "resume", out)
    assert result.exit_code == 0, result.output
    assert (len(bulk.batches), "2 of 2 picture(s) saved" in result.output) == (1, True)


def test_ctrl_c_says_how_to_go_on_although_the_manifest_cannot_be_written(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    with out_of_room(bulk, photos, out) as process:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert f"stylequeue resume {out}" in output
    assert "Traceback" not in output


def test_an_out_below_a_file_is_a_sentence(bulk: BatchService, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    bulk.jobs["j1"] = succeeded(picture("j1"), "j1")
    for words in (["submit", photos, "--style", URL], ["save", "j1"]):
        result = run(bulk.url, *words, "--out", out)
        assert (result.exit_code, result.output) == (1, f"Error: {out} cannot be written: Not a directory\n")
    assert bulk.batches == {}


def test_a_manifest_that_is_no_file_is_a_sentence(bulk: BatchService, photos: Path, out: Path) -> None:
    (out / "manifest.json").mkdir(parents=True)
    for words in (["submit", photos, "--style", URL, "--out", out], ["resume", out]):
        result = run(bulk.url, *words)
        reason = f"Error: {out / 'manifest.json'} cannot be read: Is a directory\n"
        assert (result.exit_code, result.output) == (1, reason)


def test_a_file_in_the_way_of_one_picture_keeps_no_other_out(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    out.mkdir()
    (out / "more").write_text("no folder")
    result = run(bulk.url, "submit", photos, "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert (out / "cat--wave.jpg").exists()
    words = " ".join(result.output.split())
    assert f"{out / 'more'} cannot be written: File exists (not-saved)" in words
    assert f"stylequeue resume {out}" in words
