"""The command's output: encodings that lack a character, closed pipes, full disks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, URL
from tests.unit.command_service import COMMAND, ROOT, run

INTERRUPTED_AMID_LOADING = """
import sys

class Keyboard:
    def find_spec(self, name, *_):
        if name == "client.command":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Keyboard())
from client.entry import main
main()
"""


@pytest.fixture
def listing(bulk: BatchService, photos: Path, tmp_path: Path) -> list[str]:
    """A command that draws a table."""
    run(bulk.url, "submit", photos, "--style", URL, "--out", tmp_path / "out")
    return ["--api", bulk.url, "batch", "list"]


def finish(*arguments: object, **options: Any) -> tuple[int, str, str]:
    """Return the command's exit code, its standard output and its standard error."""
    words = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(
        words, cwd=ROOT, text=True, stderr=subprocess.PIPE, timeout=60, check=False, **options
    )
    return done.returncode, done.stdout or "", done.stderr


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}], ids=str)
def test_a_name_that_the_output_cannot_show_is_shown_with_question_marks(
    bulk: BatchService, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "häfen").mkdir()
    (tmp_path / "häfen" / "日本.jpg").write_bytes(JPEG)
    (tmp_path / "häfen" / "bad-é.jpg").write_bytes(JPEG + b"damaged")
    words = ("--api", bulk.url, "submit", tmp_path / "häfen", "--style", URL, "--out", tmp_path / "öut")
    exit_code, output, errors = finish(*words, env={**os.environ, **environment}, stdout=subprocess.PIPE)
    assert (exit_code, errors) == (1, "")
    assert "1 of 2 picture(s) saved in" in output
    assert (tmp_path / "öut" / "日本--wave.jpg").exists()


def test_a_reader_that_goes_away_ends_the_command_without_a_traceback(listing: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        assert finish(*listing, stdout=pipe) == (1, "", "")


def test_an_output_that_is_full_is_a_sentence(listing: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = finish(*listing, stdout=full)
    assert ended == (1, "", "Error: No space left on device\n")


def test_an_output_that_was_closed_is_not_needed(listing: list[str]) -> None:
    closing_it = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND]
    words = [*closing_it, *listing]
    done = subprocess.run(words, cwd=ROOT, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_while_the_command_is_still_being_loaded_is_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AMID_LOADING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
