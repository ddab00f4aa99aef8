"""`stylequeue up` as its user meets it: its message when it cannot start, and how an operator steers it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until

STYLEQUEUE = str(Path(sys.executable).parent / "stylequeue")
UP = [STYLEQUEUE, "up", "--port", "0", "--workers", "1"]
START_SECONDS = 120  # on a machine that is busy with other tests
WITHOUT_SETTINGS = {name: text for name, text in os.environ.items() if not name.startswith("STYLEQUEUE_")}


class Terminal:
    """A folder with a stack, in which an operator types commands and sets no variable."""

    def __init__(self, folder: Path, metrics_port: int) -> None:
        self.folder = folder
        self.metrics_port = metrics_port
        self.log = folder / "up.log"
        self.pid = 0

    def says(self, pattern: str) -> list[str]:
        return re.findall(pattern, self.log.read_text())

    def run(self, *words: str) -> str:
        result = subprocess.run(
            [STYLEQUEUE, *words],
            cwd=self.folder,
            env=WITHOUT_SETTINGS,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def metric(self, name: str) -> float:
        text = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", trust_env=False).text
        return float(re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)[0])


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path_factory.mktemp("up"), free_port())
    environment = {
        **WITHOUT_SETTINGS,
        "STYLEQUEUE_CACHE_DIR": str(model_cache),
        "STYLEQUEUE_METRICS_PORT": str(found.metrics_port),
        "STYLEQUEUE_WORKER_SEEN_SECONDS": "3",
    }
    with running(UP, found.log, environment, cwd=found.folder) as found.pid:
        wait_until(lambda: found.says("^ready|\nready"), START_SECONDS, "the stack")
        yield found


def test_operators_commands_find_the_stack_without_any_variable(terminal: Terminal) -> None:
    (url,) = terminal.says(r"ready (\S+)")
    assert url != "http://127.0.0.1:8080"
    assert "high" in terminal.run("queue")
    assert terminal.run("keys", "list") == "No keys.\n"
    assert "bucket" in terminal.run("storage", "setup").lower()


def test_one_port_serves_the_metrics_of_all_workers(terminal: Terminal) -> None:
    wait_until(lambda: terminal.metric("stylequeue_host_slots") == 5, START_SECONDS, "slots of both workers")
    assert terminal.metric("stylequeue_host_processes") == 3  # with the engine
    assert terminal.metric("stylequeue_model_load_seconds_count") == 2


def test_a_drained_worker_stays_drained_until_it_is_wanted_back(terminal: Terminal) -> None:
    (worker,) = [line.split()[0] for line in terminal.run("workers").splitlines() if "high" in line]
    terminal.run("workers", "drain", worker)
    wait_until(lambda: terminal.says("worker-1 stopped on request"), START_SECONDS, "the end of the worker")
    assert terminal.metric("stylequeue_host_processes") == 2
    assert terminal.metric("stylequeue_host_process_deaths_total") == 0
    os.kill(terminal.pid, signal.SIGUSR1)
    wait_until(lambda: terminal.metric("stylequeue_host_processes") == 3, START_SECONDS, "the worker again")
    assert terminal.says("worker-1 is started again")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("MODEL", "/no/such/model", r"engine-1: The model '/no/such/model' .*does not exist\. It must be"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:1", ""),
    ],
)
def test_an_error_that_prevents_a_start_is_reported_once_and_ends_it(
    variable: str, value: str, sentence: str, tmp_path: Path
) -> None:
    given = {
        "STYLEQUEUE_S3_ACCESS_KEY": "key",
        "STYLEQUEUE_S3_SECRET_KEY": "secret",
        f"STYLEQUEUE_{variable}": value,
    }
    result = subprocess.run(
        [*UP, "--optimizers", "0"],
        cwd=tmp_path,
        env=WITHOUT_SETTINGS | given,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert result.returncode != 0
    (said,) = result.stderr.splitlines()
    assert re.match(sentence, said), said
    assert f"STYLEQUEUE_{variable}" in said
    assert "starting it again" not in result.stdout
