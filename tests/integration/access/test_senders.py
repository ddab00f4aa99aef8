"""One sender beside another at a real Gunicorn: a polite sender keeps its share beside a crowd."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api import gunicorn_conf
from api.server import patient_worker
from shared.settings import Settings
from tests.stacks.gunicorn import running_api
from tests.stacks.held_requests import PIECE, VALID
from tests.stacks.servers import wait_until
from tests.stacks.wires import (
    OTHER_ADDRESS,
    SECONDS,
    connected,
    connections,
    first_line,
    read_until_closed,
    request,
)

LAST = "Connection: close"
MOST_OF_ONE = gunicorn_conf.threads - patient_worker.THREADS_FOR_OTHERS


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def held(tmp_path: Path) -> Iterator[str]:
    """Return the path of a request that takes until the test has ended."""
    file = tmp_path / "release"
    yield f"/held?{file}"
    file.touch()


@pytest.fixture
def url(settings: Settings, log: Path) -> Iterator[str]:
    with running_api(settings, log, application="tests.stacks.held_requests:application") as url:
        yield url


@pytest.fixture(scope="module")
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    return s3_settings.model_copy(update={"redis_url": redis_url})


def served(url: str, *headers: str, address: str = "127.0.0.1") -> str:
    with connected(url, address) as wire:
        wire.sendall(request("/", LAST, *headers))
        return first_line(wire)


@contextmanager
def crowd(url: str, size: int, held: str, body_bytes: int = 0) -> Iterator[list[socket.socket]]:
    """Send requests that take long, each with an unknown key of its own."""
    with connections(url, size) as wires:
        for number, wire in enumerate(wires):
            headers = (f"Authorization: Bearer made-up-{number}", f"Content-Length: {body_bytes}")
            wire.sendall(request(held, *headers) + bytes(body_bytes))
        yield wires


def test_keys_that_a_client_makes_up_leave_threads_for_others(url: str, held: str) -> None:
    with crowd(url, 2 * gunicorn_conf.threads, held):
        assert served(url, address=OTHER_ADDRESS) == "HTTP/1.1 200 OK"


def test_a_key_that_was_valid_lately_is_a_sender_of_its_own(url: str, held: str) -> None:
    assert served(url, VALID) == "HTTP/1.1 200 OK"
    with crowd(url, 2 * gunicorn_conf.threads, held):
        assert served(url, VALID) == "HTTP/1.1 200 OK"


def test_a_senders_waiting_requests_take_a_bounded_number_of_bytes(url: str, held: str, log: Path) -> None:
    body_bytes, beyond = 60_000, 20
    most = patient_worker.MOST_WAITING_BYTES // (body_bytes + patient_worker.OWN_BYTES)
    with crowd(url, MOST_OF_ONE + most + beyond, held, body_bytes) as wires:
        wait_until(
            lambda: log.read_text().count("too many requests that wait") >= beyond - 2, SECONDS, "refusals"
        )
        assert served(url) == "HTTP/1.1 503 Service Unavailable"
        assert served(url, address=OTHER_ADDRESS) == "HTTP/1.1 200 OK"
        answers = [read_until_closed(wire) for wire in wires[2 - beyond :]]
    assert all(b"503" in answer and b"Retry-After: 5\r\n" in answer for answer in answers)


def test_unread_responses_of_a_crowd_leave_those_of_others(url: str, log: Path) -> None:
    """The polite client's response has waited longest, and is still sent to its end."""
    number = patient_worker.MOST_UNREAD + 30
    with connected(url, OTHER_ADDRESS) as polite, connections(url, number) as wires:
        polite.sendall(request("/large") * 4 + request("/large", LAST))
        for wire in wires:
            wire.sendall(request("/large") * 20)
        cut = number - patient_worker.MOST_UNREAD // 2
        wait_until(
            lambda: log.read_text().count("slowest of too many") == cut, SECONDS, "the crowd's to be cut"
        )
        assert read_until_closed(polite).count(PIECE) == 5
