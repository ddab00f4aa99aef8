"""Real servers for the tests, each on a free port of the loopback interface."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import redis

from local.data_folder import DataFolder
from local.redis_server import redis_answers, redis_program
from local.s3_server import s3_part, s3_program
from shared.errors import StyleQueueError
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from tests.stacks.ports import free_port

START_SECONDS = 30

Met = TypeVar("Met")


def wait_until(condition: Callable[[], Met], seconds: float = 30, what: str = "the condition") -> Met:
    """Wait for `condition()` to be true and return its value; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} was not met within {seconds:g} s")
        time.sleep(0.05)
    return met


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
    patience_seconds: float = 20,
) -> Iterator[int]:
    """Run a child process until the block ends; its output goes to `log`. Yield its id.

    A process that does not end within `patience_seconds` after SIGTERM is killed.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=cwd)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_redis(
    folder: Path, *options: str, program: Path | None = None, port: int | None = None
) -> Iterator[str]:
    """Run a Redis server without persistence, with further options; yield its URL."""
    port = port or free_port()
    command = [
        str(program or redis_program()),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
    ]
    usual = ["--save", "", "--maxmemory-policy", "noeviction"]
    with running([*command, *usual, *options], folder / "redis.log"):
        url = f"redis://127.0.0.1:{port}/0"
        wait_until(lambda: redis_answers(url), START_SECONDS, "an answer from Redis")
        yield url


@contextmanager
def configured(connection: redis.Redis, name: str, value: str, usual: str) -> Iterator[None]:
    """Give Redis another setting until the block ends."""
    connection.config_set(name, value)
    try:
        yield
    finally:
        connection.config_set(name, usual)


@contextmanager
def running_rclone(folder: Path) -> Iterator[Settings]:
    """Run rclone's S3 server, which checks signatures; yield settings that lead to it."""
    data = DataFolder(folder)
    with data.locked():
        keys = data.credentials()
        part = s3_part(s3_program(), data, port := free_port(), keys)
        settings = s3_settings(f"http://127.0.0.1:{port}", keys.s3_access_key, keys.s3_secret_key)
        with running(part.command, folder / "rclone.log", dict(part.environment)):
            wait_for_s3(settings)
            yield settings


@contextmanager
def running_moto(folder: Path) -> Iterator[Settings]:
    """Run moto's S3 server, which has lifecycle rules and conditional PUT; yield settings that lead to it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    settings = s3_settings(f"http://127.0.0.1:{port}", "test", "test")
    with running(command, folder / "moto.log", {**os.environ, "MOTO_S3_CUSTOM_ENDPOINTS": ""}):
        wait_for_s3(settings)
        yield settings


def s3_settings(endpoint_url: str, key: str, secret: str) -> Settings:
    return Settings.from_environment(
        {
            "STYLEQUEUE_S3_ENDPOINT_URL": endpoint_url,
            "STYLEQUEUE_S3_ACCESS_KEY": key,
            "STYLEQUEUE_S3_SECRET_KEY": secret,
        }
    )


def wait_for_s3(settings: Settings) -> None:
    """Wait until the server responds and the bucket exists."""
    setup = BucketSetup(settings)

    def bucket_is_there() -> bool:
        try:
            setup.create()
        except StyleQueueError:
            return False
        return True

    wait_until(bucket_is_there, START_SECONDS, "an answer from S3")
