"""Clients that send half requests or read no response, against a real Gunicorn: they hold no thread."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api import gunicorn_conf
from api.server import client_socket, patient_worker
from shared.settings import Settings
from shared.store.redis.connection import connect
from tests.gunicorn import running_api
from tests.servers import wait_until

SECONDS = 20
CROWD = 200  # connections, six times as many as threads
LIMITS = {"max_connections_per_address": CROWD + 20}
LARGE = patient_worker.PIECE_BYTES * 4


@pytest.fixture(scope="module")
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    connect(redis_url).flushdb()  # no keys are left from other tests
    return s3_settings.model_copy(update={"redis_url": redis_url, **LIMITS})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api") / "log"


@pytest.fixture(scope="module")
def url(settings: Settings, log: Path) -> Iterator[str]:
    with running_api(settings, log) as url:
        yield url


@contextmanager
def connections(url: str, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as open_ones:
        yield [open_ones.enter_context(connected(url)) for _ in range(number)]


def connected(url: str) -> socket.socket:
    wire = socket.socket()
    wire.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
    )  # so that little of a response leaves the server
    wire.settimeout(SECONDS)
    wire.connect((urlsplit(url).hostname or "", urlsplit(url).port or 0))
    return wire


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")).encode()


def read_until_closed(wire: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while piece := wire.recv(65536):
            answer += piece
    return answer


def assert_others_are_served(url: str) -> None:
    """Less than the time after which the service would cut the crowd, and so get its threads back."""
    for _ in range(20):
        assert httpx.get(f"{url}/v1/jobs", timeout=client_socket.STALL_SECONDS / 2).status_code == 200


HALVES = {
    "a line": b"GET /v1/jobs HT",
    "a head": request("/v1/jobs")[:-2],
    "a small body": request("/v1/jobs", "Content-Type: application/json", "Content-Length: 9", method="POST")
    + b"{",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_half_requests_keep_nobody_out(url: str, half: bytes) -> None:
    with connections(url, CROWD) as wires:
        for wire in wires:
            wire.sendall(half)
        assert_others_are_served(url)


def test_heads_that_drip_keep_nobody_out(url: str) -> None:
    with connections(url, CROWD) as wires:
        for byte in request("/v1/jobs")[:20]:
            for wire in wires:
                wire.sendall(bytes([byte]))
            assert httpx.get(f"{url}/healthz", timeout=client_socket.STALL_SECONDS / 2).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger"])
def test_responses_that_nobody_reads_keep_nobody_out(url: str, path: str) -> None:
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for wire in wires:
            wire.sendall(request(path) * 200)
        assert_others_are_served(url)


def test_large_bodies_that_drip_leave_threads_for_others(url: str) -> None:
    half = request(
        "/v1/batches", "Content-Type: application/x-ndjson", f"Content-Length: {LARGE}", method="POST"
    )
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for wire in wires:
            wire.sendall(half + b'{"content"')
        assert_others_are_served(url)


def test_slow_clients_are_cut_each_with_one_line(url: str, log: Path) -> None:
    before = cuts(log)
    body = request(
        "/v1/batches", "Content-Type: application/x-ndjson", f"Content-Length: {LARGE}", method="POST"
    )
    slow = [*HALVES.values(), body + b"{", request("/openapi.json") * 200]
    with connections(url, len(slow)) as wires:
        for wire, sent in zip(wires, slow, strict=True):
            wire.sendall(sent)
        wait_until(
            lambda: cuts(log) == before + len(slow), 4 * patient_worker.UNREAD_SECONDS, "a line for each"
        )
    assert "Traceback" not in log.read_text()


def cuts(log: Path) -> int:
    return log.read_text().count("connection cut")


def test_a_request_in_single_bytes_is_served(url: str) -> None:
    with connected(url) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request("/healthz", "Connection: close"):
            wire.sendall(bytes([byte]))
        assert read_until_closed(wire).startswith(b"HTTP/1.1 200")


def test_pipelined_requests_are_all_served_in_order(url: str) -> None:
    small = b'{"content": 1}'
    post = request(
        "/v1/jobs", "Content-Type: application/json", f"Content-Length: {len(small)}", method="POST"
    )
    large = b"{}" + b" " * LARGE
    bulk = request(
        "/v1/batches", "Content-Type: application/x-ndjson", f"Content-Length: {len(large)}", method="POST"
    )
    sent = request("/healthz") + post + small + bulk + large + request("/healthz", "Connection: close")
    with connected(url) as wire:
        wire.sendall(sent)
        answer = read_until_closed(wire)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"422", b"422", b"200"], answer


def test_a_slow_reader_gets_the_whole_response(url: str) -> None:
    whole = httpx.get(f"{url}/openapi.json", headers={"Accept-Encoding": "identity"}).content
    with connected(url) as wire:
        wire.sendall(request("/openapi.json", "Connection: close"))
        answer = b""
        while piece := wire.recv(4096):
            answer += piece
    assert answer.partition(b"\r\n\r\n")[2] == whole


def test_one_address_has_a_bounded_number_of_connections(url: str) -> None:
    with connections(url, LIMITS["max_connections_per_address"] + 5) as wires:
        for wire in wires:
            with suppress(ConnectionError):
                wire.sendall(request("/healthz"))
        answers = [first_byte(wire) for wire in wires]
        assert answers.count(b"H") <= LIMITS["max_connections_per_address"]
        assert answers[-1] == b""
    wait_until(lambda: is_served(url), SECONDS, "the connections to be given back")


def first_byte(wire: socket.socket) -> bytes:
    try:
        return wire.recv(1)
    except ConnectionError:
        return b""


def is_served(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def test_half_requests_do_not_hold_up_a_stop(settings: Settings, tmp_path: Path) -> None:
    with running_api(settings, tmp_path / "log") as url, connections(url, 5) as wires:
        for wire in wires:
            wire.sendall(HALVES["a head"])
        assert is_served(url)
    # `running` fails if the server has to be killed
