"""`stylequeue top`: its page at several sizes, and the command in a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from client.commands.top.feed import Sight, Snapshot
from client.commands.top.view import ENDS, page
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.records import FINAL
from tests.jobs import worker_info
from tests.unit.command_service import COMMAND, ROOT, run
from tests.unit.operated_service import OperatedService

WAIT_SECONDS = 30
CODES = ("image-undecodable", "source-not-found", "timed-out", "worker-lost", "out-of-memory")


@pytest.fixture
def operated() -> Iterator[OperatedService]:
    with OperatedService() as service:
        yield service


def snapshot(operated: OperatedService) -> Snapshot:
    return Snapshot(operated.overview(), operated.recent(), tuple(operated.workers), time.time())


def lines(sight: Sight, width: int, height: int | None) -> list[str]:
    file = StringIO()
    console = Console(file=file, width=width, height=height or 25, color_system=None)
    console.print(page(sight, "http://127.0.0.1:8080", width, height))
    return file.getvalue().splitlines()


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (60, 20), (250, 60)])
@pytest.mark.parametrize("workers", [0, 1, 5, 40])
@pytest.mark.parametrize("codes", [0, 1, 5])
def test_it_fills_a_terminal_exactly_and_nothing_wraps(
    operated: OperatedService, width: int, height: int, workers: int, codes: int
) -> None:
    operated.workers = [
        worker_info(
            f"stylequeue-worker-7d9f8b6c5d-{number:05}-a1b2c3", rate=123.4, draining=True, model="m" * 90
        )
        for number in range(workers)
    ]
    operated.failed = dict.fromkeys(CODES[:codes], 123_456)
    shown = lines(Sight(snapshot(operated), trouble="It is gone. " * 30), width, height)
    assert len(shown) == height
    assert max(map(len, shown)) <= width
    assert shown[-1].startswith("q quits")


def test_rows_that_do_not_fit_are_counted(operated: OperatedService) -> None:
    operated.workers = [worker_info(f"w-{number:02}") for number in range(40)]
    operated.failed = dict.fromkeys(CODES, 1)
    text = lines(Sight(snapshot(operated)), 80, 24)
    shown = sum(line.startswith("w-") for line in text)
    (rest,) = [line for line in text if line.startswith("and ")]
    assert rest.split()[1] == str(40 - shown)
    assert sum(line.startswith(CODES) for line in text) == 3
    assert shown >= 3
    everything = lines(Sight(snapshot(operated)), 80, None)
    assert sum(line.startswith("w-") for line in everything) == 40


def test_nothing_moves_when_the_service_does_not_answer(operated: OperatedService) -> None:
    seen = snapshot(operated)
    well = lines(Sight(seen), 80, 24)
    ill = lines(Sight(replace(seen, taken_at=seen.taken_at - 65), trouble="It is gone."), 80, 24)
    assert ill[1].rstrip() == "No response; this is 65 s old. It is gone."
    assert well[2:] == ill[2:]


def test_the_page_shows_all_that_an_operator_must_see(operated: OperatedService) -> None:
    operated.paused = {Lane.BULK}
    silent = worker_info("silent", last_seen_at=operated.recent().at.timestamp() - 13)
    operated.workers = [worker_info("ending", draining=True, rss_bytes=2_500_000_000), silent]
    operated.workers += [worker_info("fast", lanes=FAST_LANES), worker_info("two", lanes=("high", "bulk"))]
    operated.failed = {"timed-out": 7}
    text = {
        line.split()[0]: line.split() for line in lines(Sight(snapshot(operated)), 80, 24) if line.strip()
    }
    assert text["bulk"][-1] == "paused"
    assert text["ending"][-1] == "draining"
    assert "2.5" in text["ending"]
    assert text["silent"][-2:] == ["13", "s"]
    for worker_id, lanes in {"ending": "all", "fast": "high..bulk", "two": "high,bulk"}.items():
        assert lanes in text[worker_id]
    assert text["timed-out"] == ["timed-out", "7", "7"]
    assert "1.25" in text["last"]


def test_each_way_to_end_has_a_column() -> None:
    assert set(ENDS) == FINAL


# --- the command ----------------------------------------------------------------------------------


def test_without_a_terminal_it_prints_one_look(operated: OperatedService) -> None:
    for arguments in (["top", "--once"], ["top"]):
        result = run(operated.url, *arguments)
        assert result.exit_code == 0
        assert "box-7-a1b2c3" in result.output
        assert "q quits" not in result.output


class Terminal:
    """The command in a pseudo-terminal; `said` is all that it has written."""

    def __init__(self, url: str, columns: int, lines: int) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns, lines)
        self.usual = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.said = ""
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [*COMMAND, "--api", url, "top", "--every", "0.2"],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
        )  # fmt: skip

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, text: str) -> None:
        """Wait until it has written this since the last time."""
        start, deadline = len(self.said), time.monotonic() + WAIT_SECONDS
        while text not in self.said[start:]:
            assert time.monotonic() < deadline, f"{text!r} was not written: {self.said[start:][-2000:]}"
            if select.select([self._ours], [], [], 0.1)[0]:
                self.said += os.read(self._ours, 65536).decode("utf-8", "replace")

    def attributes(self) -> list[object]:
        return list(termios.tcgetattr(self._theirs))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal(operated: OperatedService) -> Iterator[Terminal]:
    terminal = Terminal(operated.url, 80, 24)
    yield terminal
    terminal.close()


def test_it_follows_the_service_and_the_terminal_and_ends_at_a_key(
    operated: OperatedService, terminal: Terminal
) -> None:
    terminal.until("q quits")
    operated.paused = {Lane.HIGH}
    terminal.until("paused")
    operated.lost = True
    terminal.until("No response; this is")
    operated.lost = False
    operated.workers = [worker_info("another-8-d4e5f6")]
    terminal.until("another-8-d4e5f6")
    assert "version" not in terminal.said
    terminal.resize(140, 40)
    terminal.until("version")
    terminal.type("x")
    terminal.until("q quits")
    terminal.type("q")
    terminal.until("\x1b[?1049l")  # back from the alternate screen
    assert terminal.process.wait(WAIT_SECONDS) == 0
    assert terminal.attributes() == list(terminal.usual)
    assert "Traceback" not in terminal.said


def test_sigterm_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.until("q quits")
    terminal.process.terminate()
    terminal.until("\x1b[?1049l")
    assert terminal.process.wait(WAIT_SECONDS) == 128 + signal.SIGTERM
    assert terminal.attributes() == list(terminal.usual)


def test_a_key_that_is_no_operators_any_more_ends_it_with_a_sentence(
    operated: OperatedService, terminal: Terminal
) -> None:
    terminal.until("q quits")
    operated.admin = False
    terminal.until("Error: This is for operators")
    assert terminal.process.wait(WAIT_SECONDS) == 1
    assert terminal.attributes() == list(terminal.usual)
