"""A thousand clients that wait leave the API usable for the others."""

from __future__ import annotations

import os
import resource
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from local.api_server import api_answers, api_part, api_url
from shared.settings import Settings
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until

CROWD = 1000
PLACES = 8  # max_waiting_requests
HELD = 6  # of one owner: the others are for owners who hold none
OTHERS = 50
SECONDS = 30
SOURCE = {"url": "https://example.org/a.jpg"}


@pytest.fixture(autouse=True)
def enough_sockets() -> Iterator[None]:
    """Raise the limit of open files for both sides of the crowd; child processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def api(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path, enough_sockets: None
) -> Iterator[httpx.Client]:
    """The API as the local stack starts it; no worker, so a job waits until it is canceled."""
    settings = s3_settings.model_copy(update={"redis_url": redis_url, "max_waiting_requests": PLACES})
    part = api_part(port := free_port(), {**os.environ, **settings.to_environment()})
    with (
        running(part.command, tmp_path / "api.log", dict(part.environment)),
        httpx.Client(base_url=api_url(port), timeout=SECONDS, trust_env=False) as client,
    ):
        wait_until(lambda: api_answers(port, "/healthz"), SECONDS, "an answer from the API")
        yield client


def ask(api: httpx.Client, path: str, sockets: ExitStack) -> socket.socket:
    """Send a request; nobody reads the response yet."""
    address = urlsplit(str(api.base_url))
    asking = sockets.enter_context(socket.create_connection((address.hostname, address.port), SECONDS))
    asking.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    return asking


def answered(crowd: list[socket.socket]) -> set[socket.socket]:
    """Return the clients to which a response has come."""
    poll = select.poll()
    by_number = {asking.fileno(): asking for asking in crowd}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return {by_number[number] for number, _ in poll.poll(0)}


def test_a_few_are_held_the_rest_is_answered_at_once_and_the_others_are_served(api: httpx.Client) -> None:
    job = api.post("/v1/jobs", json={"content": SOURCE, "style": SOURCE}).json()
    poll = f"/v1/jobs/{job['id']}"
    with ExitStack() as sockets:
        crowd = [ask(api, f"{poll}?wait=60", sockets) for _ in range(CROWD)]
        for _ in range(OTHERS):
            assert api.get(poll).json()["status"] == "queued"
        wait_until(lambda: len(answered(crowd)) == CROWD - HELD, SECONDS, "the answers to all but a few")
        at_once = answered(crowd)
        heads = [asking.recv(65536).partition(b"\r\n\r\n")[0] for asking in at_once]
        assert all(head.startswith(b"HTTP/1.1 200") and b"Retry-After: " in head for head in heads)
        assert api.post(f"{poll}/cancel").json()["status"] == "canceled"
        held = [asking for asking in crowd if asking not in at_once]
        wait_until(lambda: len(answered(held)) == HELD, SECONDS, "the answers to those that were held")
        assert all(b'"status":"canceled"' in asking.recv(65536) for asking in held)
