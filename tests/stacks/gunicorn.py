"""The API under Gunicorn, with its own settings for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from shared.settings import Settings
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until

CONFIGURATION = "python:api.gunicorn_conf"


def gunicorn(bind: str, *options: str, application: str = "api.wsgi:app") -> list[str]:
    command = [sys.executable, "-m", "gunicorn", "--config", CONFIGURATION, application]
    return [*command, "--bind", bind, *options]


@contextmanager
def running_api(
    settings: Settings, log: Path, options: Sequence[str] = (), application: str = "api.wsgi:app"
) -> Iterator[str]:
    """Run it; yield its URL."""
    bind = f"127.0.0.1:{free_port()}"
    with running(gunicorn(bind, *options, application=application), log, environment(settings)):
        wait_until(lambda: answers(f"http://{bind}"), 30, "an answer from the API")
        yield f"http://{bind}"


def start_refused(settings: Settings, bind: str) -> str:
    """Return what it writes when it does not start."""
    result = subprocess.run(
        gunicorn(bind), env=environment(settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode not in (0, None)
    return result.stderr


def environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.to_environment()}


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
