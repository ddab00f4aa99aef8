"""A worker that is killed during its model's download keeps no other one waiting."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.settings import Settings
from tests.stacks.hub_server import HubServer, running_hub
from tests.stacks.servers import running, wait_until
from worker.model.embedded_model import embedded_model_path
from worker.model.hub_download import STALLED_SECONDS, HubDownload

START_SECONDS = 120  # far less than tensorflow_hub's 20 minutes
HOST = socket.gethostname()
WORKER = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--without-mingle"]


@pytest.fixture
def hub(model_cache: Path) -> Iterator[HubServer]:
    with running_hub(embedded_model_path(model_cache)) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def environment(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, hub: HubServer, cache: Path
) -> dict[str, str]:
    settings = s3_settings.model_copy(
        update={"redis_url": redis_url, "model": hub.handle_of_model, "log_format": "json"}
    )
    return {**os.environ, **settings.to_environment(), "TFHUB_CACHE_DIR": str(cache)}


def test_a_worker_that_is_killed_during_its_download_holds_up_no_other(
    environment: dict[str, str], hub: HubServer, cache: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    hub.slow.set()
    with ExitStack() as ends:
        pid = ends.enter_context(running(WORKER, first, environment))
        wait_until(lambda: list(cache.glob("*.tmp/**/*")), START_SECONDS, "a part of the model")
        (lock,) = cache.glob("*.lock")
        ends.enter_context(running(WORKER, second, environment))
        wait_until(lambda: said(second, "waiting for another"), START_SECONDS, "a line about the wait")
        assert said(second, "waiting for another")[0]["holder"] == f"{HOST} (process {pid})"
        assert said(second, "waiting for another")[0]["lock"] == str(lock)
        os.kill(pid, signal.SIGKILL)
        hub.slow.clear()
        wait_until(lambda: said(second, "model loaded"), START_SECONDS, "the other worker's model")
    assert said(first, "downloading the model")
    assert said(second, "removed an abandoned download")[0]["why"] == "its process is gone"
    assert len(hub.asked) == 2
    assert [path.suffix for path in cache.iterdir() if path.suffix in (".lock", ".tmp")] == []


def said(log: Path, event: str) -> list[dict[str, Any]]:
    """Return the lines of the log whose event begins so."""
    whole_lines = log.read_text().rpartition("\n")[0].splitlines()
    lines = [json.loads(line) for line in whole_lines if line.startswith("{")]
    return [line for line in lines if line["event"].startswith(event)]


# --- what is abandoned, and what is not -----------------------------------------------------------


class Cache:
    """One model's folder in the cache, with somebody's unfinished download."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "abc"
        self.lock = root / "abc.lock"
        self.part = root / "abc.task1.tmp/variables"
        self.part.mkdir(parents=True)
        self.download = HubDownload(self.folder)

    def lock_of(self, host: str, process_id: int) -> None:
        self.lock.write_text(f"{host}.{process_id}.task1")

    @property
    def is_held(self) -> bool:
        return self.lock.exists() and self.part.exists()


@pytest.fixture
def one(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_a_download_of_a_process_that_runs_here_or_anywhere_else_is_left_alone(one: Cache) -> None:
    for host in (HOST, "pod-1.example.org"):
        one.lock_of(host, os.getppid())
        one.download.look(0)
        one.download.look(STALLED_SECONDS)
        assert one.is_held


def test_a_download_that_does_not_grow_is_removed_and_one_that_grows_is_not(one: Cache) -> None:
    one.lock_of("pod-1", 7)
    one.download.look(0)
    (one.part / "data").write_bytes(b"paint")
    one.download.look(STALLED_SECONDS + 1)
    assert one.is_held
    one.download.look(2 * STALLED_SECONDS + 2)
    assert not one.lock.exists()
    assert not one.part.parent.exists()


def test_the_id_of_a_dead_holder_may_be_a_new_processs(one: Cache) -> None:
    """In a restarted container, the first process has the id of the one before."""
    one.lock_of(HOST, os.getpid())
    os.utime(one.lock, (1, 1))
    one.download.look(0)
    assert not one.lock.exists()


def test_ones_own_download_is_never_removed(one: Cache) -> None:
    one.lock_of(HOST, os.getpid())
    one.download.look(0)
    one.download.look(10 * STALLED_SECONDS)
    assert one.is_held


@pytest.mark.parametrize("content", ["", "x", "a.b.c", "no lock of theirs"])
def test_a_file_that_is_no_lock_of_tensorflow_hub_is_left_alone(one: Cache, content: str) -> None:
    one.lock.write_text(content)
    one.download.look(0)
    one.download.look(10 * STALLED_SECONDS)
    assert one.is_held
