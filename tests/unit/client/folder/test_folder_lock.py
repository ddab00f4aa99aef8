"""Two commands and one folder, in real processes: one of them has to wait or use another folder."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client.folder.folder_lock import FILE_NAME
from tests.stacks.servers import wait_until
from tests.unit.batch_service import EVERYTHING, BatchService
from tests.unit.client_server import URL, succeeded
from tests.unit.command_service import COMMAND, ROOT, picture, run

OTHER_STYLE = "https://pictures.example/scream.jpg"
PATIENCE_SECONDS = 60


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@contextmanager
def started(*words: object) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output


@contextmanager
def submitting(bulk: BatchService, photos: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that waits for its pictures, until the service lets the jobs end."""
    bulk.ending = 0
    with started("--api", bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out) as process:
        assert bulk.settled.wait(PATIENCE_SECONDS)
        yield process


def refusal(process: subprocess.Popen[str], out: Path) -> str:
    return (
        f"Error: Another stylequeue command (process {process.pid} on {os.uname().nodename}) is writing into "
        f"{out}. Wait until it ends, or choose another folder\n"
    )


@pytest.mark.parametrize("second_style", [URL, OTHER_STYLE], ids=["the same", "another"])
def test_one_of_two_simultaneous_commands_makes_its_jobs_and_the_other_names_it(
    bulk: BatchService, photos: Path, out: Path, second_style: str
) -> None:
    bulk.ending = 0
    words = ("--api", bulk.url, "submit", photos / "cat.jpg", "--out", out, "--style")
    with started(*words, URL) as first, started(*words, second_style) as second:
        wait_until(lambda: (first.poll() is None) != (second.poll() is None), 60, "one is refused")
        refused, admitted = (first, second) if second.poll() is None else (second, first)
        assert finished(refused) == (1, refusal(admitted, out))
        bulk.ending = EVERYTHING
        exit_code, output = finished(admitted)
    assert exit_code == 0, output
    assert (len(bulk.batches), len(bulk.submitted)) == (1, 1)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["manifest.json", "cat--wave.jpg" if admitted is first or second_style == URL else "cat--scream.jpg"]
    )


@pytest.mark.parametrize("command", ["submit", "resume", "save"])
def test_no_command_writes_where_another_is_at_work(
    bulk: BatchService, photos: Path, out: Path, command: str
) -> None:
    bulk.jobs["j1"] = succeeded(picture("j1"), "j1")
    words = {
        "submit": ["submit", photos / "cat.jpg", "--style", OTHER_STYLE, "--out", out],
        "resume": ["resume", out],
        "save": ["save", "j1", "--out", out],
    }
    with submitting(bulk, photos, out) as process:
        second = run(bulk.url, *words[command])
        assert (second.exit_code, second.output) == (1, refusal(process, out))
        bulk.ending = EVERYTHING
        exit_code, output = finished(process)
    assert exit_code == 0, output
    assert sorted(path.name for path in out.iterdir()) == ["cat--wave.jpg", "manifest.json"]


def test_a_killed_command_locks_nobody_out(bulk: BatchService, photos: Path, out: Path) -> None:
    with submitting(bulk, photos, out) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
    assert (out / FILE_NAME).exists()
    bulk.ending = EVERYTHING
    result = run(bulk.url, "resume", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["cat--wave.jpg", "manifest.json"]


def test_a_folder_that_was_made_for_nothing_is_removed(photos: Path, out: Path) -> None:
    assert run("http://127.0.0.1:1", "submit", photos, "--style", URL, "--out", out).exit_code == 1
    assert not out.exists()
