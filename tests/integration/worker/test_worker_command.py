"""`stylequeue worker` on a real Redis, a real S3 server and the real model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from shared.settings import Settings
from shared.store.workers import WorkerRegistry
from tests.stacks.servers import wait_until
from worker.supervision.restarts import FAILED_STARTS

BIN = Path(sys.executable).parent
START_SECONDS = 90


@contextmanager
def fleet(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, **settings.to_environment()}
    command = [str(BIN / "stylequeue"), "worker", *arguments]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def settings(redis_url: str, s3_settings: Settings, model_cache: Path) -> Settings:
    return s3_settings.model_copy(update={"redis_url": redis_url, "cache_dir": model_cache})


def test_it_runs_as_many_processes_as_asked_replaces_the_dead_and_stops_them_all(
    settings: Settings, connection: redis.Redis
) -> None:
    registry = WorkerRegistry(connection)

    def pids() -> set[int]:
        alive = {worker.pid for worker in registry.alive(settings.worker_seen_seconds)}
        return {pid for pid in alive if psutil.pid_exists(pid)}

    with fleet(settings, "--processes", "2") as process:
        wait_until(lambda: len(pids()) == 2, START_SECONDS, "two workers")
        first, second = pids()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(pids() - {first, second}) == 1, START_SECONDS, "the dead one's successor")
        everyone = pids()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not any(psutil.pid_exists(pid) for pid in everyone)
    assert registry.alive(settings.worker_seen_seconds) == [] or not pids()


def test_processes_that_are_killed_one_after_another_are_all_replaced(settings: Settings) -> None:
    with fleet(settings, "--processes", "1") as process:
        children, killed = psutil.Process(process.pid).children, set()

        def kill_another() -> bool:
            for child in children():
                if child.pid not in killed:
                    child.kill()
                    killed.add(child.pid)
            return len(killed) > FAILED_STARTS

        wait_until(kill_another, START_SECONDS, "as many deaths as end a fleet that cannot load its model")
        wait_until(lambda: {child.pid for child in children()} - killed, START_SECONDS, "another successor")
        assert process.poll() is None


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(
    settings: Settings, connection: redis.Redis
) -> None:
    wrong = settings.model_copy(update={"model": "/no/such/model"})
    with fleet(wrong, "--processes", "1") as process:
        _, errors = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 1
    assert "/no/such/model" in errors
    assert "STYLEQUEUE_MODEL" in errors
    assert "Traceback" not in errors


def test_a_fleet_that_is_drained_starts_nothing_again_and_ends(
    settings: Settings, connection: redis.Redis
) -> None:
    registry = WorkerRegistry(connection)
    quick = settings.model_copy(update={"worker_seen_seconds": 3.0})
    with fleet(quick, "--processes", "1") as process:
        wait_until(lambda: len(registry.alive(60)) == 1, START_SECONDS, "a worker")
        command = [str(BIN / "stylequeue"), "worker", "drain", "--all"]
        subprocess.run(command, env={**os.environ, **quick.to_environment()}, check=True)
        assert process.wait(30) == 0
    assert registry.alive(60) == []


def test_a_pool_that_forks_is_refused(settings: Settings) -> None:
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--pool", "processes"]
    result = subprocess.run(
        command,
        env={**os.environ, **settings.to_environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    assert "--pool threads" in result.stderr
