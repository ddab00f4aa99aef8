"""Clients that send half requests or read no response, against a real Gunicorn: they hold no thread."""

from __future__ import annotations

import re
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api import gunicorn_conf
from api.server import client_socket, patient_worker
from api.server.arrival import MOST_SMALL_BODY_BYTES
from shared.settings import Settings
from shared.store.redis.connection import connect
from tests.stacks.gunicorn import running_api
from tests.stacks.servers import wait_until
from tests.stacks.wires import OTHER_ADDRESS, SECONDS, connected, connections, read_until_closed, request

CROWD = 200  # connections, six times as many as threads
LIMITS = {"max_connections_per_address": CROWD + 20}
LARGE = patient_worker.PIECE_BYTES * 4


@pytest.fixture(scope="module")
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    connect(redis_url).flushdb()  # removes the keys of other tests
    return s3_settings.model_copy(update={"redis_url": redis_url, **LIMITS})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api") / "log"


@pytest.fixture(scope="module")
def url(settings: Settings, log: Path) -> Iterator[str]:
    with running_api(settings, log) as url:
        yield url


def assert_others_are_served(url: str) -> None:
    """Assert a response sooner than the service would cut the crowd, and so get its threads back."""
    for _ in range(20):
        assert httpx.get(f"{url}/v1/jobs", timeout=client_socket.STALL_SECONDS / 2).status_code == 200


HALVES = {
    "a line": b"GET /v1/jobs HT",
    "a head": request("/v1/jobs")[:-2],
    "a small body": request("/v1/jobs", "Content-Type: application/json", "Content-Length: 9", method="POST")
    + b"{",
}


HALF_OF_A_LARGE_BODY = (
    request("/v1/batches", "Content-Type: application/x-ndjson", f"Content-Length: {LARGE}", method="POST")
    + b'{"content"'
)


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
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for wire in wires:
            wire.sendall(HALF_OF_A_LARGE_BODY)
        assert_others_are_served(url)


def answer_to_a_large_body(url: str) -> int:
    """Send it from another address; wait for less than the time after which the slow ones would be cut."""
    other = httpx.HTTPTransport(local_address=OTHER_ADDRESS)
    headers = {"Content-Type": "application/x-ndjson"}
    body = b" " * (MOST_SMALL_BODY_BYTES + 1)
    with httpx.Client(transport=other, timeout=client_socket.STALL_SECONDS / 2) as client:
        return client.post(f"{url}/v1/batches", content=body, headers=headers).status_code


def test_large_bodies_of_one_sender_leave_places_for_those_of_others(url: str) -> None:
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for wire in wires:
            wire.sendall(HALF_OF_A_LARGE_BODY)
        assert answer_to_a_large_body(url) == 422


@pytest.mark.parametrize("header", ["Transfer-Encoding: chunked", f"Content-Length: {LARGE}"])
def test_bodies_that_nobody_wants_hold_no_thread(url: str, header: str) -> None:
    """Each has a wrong key of its own."""
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for number, wire in enumerate(wires):
            wrong = f"Authorization: Bearer wrong{number}"
            wire.sendall(request("/v1/batches", wrong, header, method="POST"))
        assert answer_to_a_large_body(url) == 422


def test_a_connection_that_is_kept_does_not_keep_its_last_request(url: str) -> None:
    """A large head is served on each of many connections, which then are idle."""
    fields = [f"X-{number}: {'x' * 7900}" for number in range(7)]
    assert_others_are_served(url)
    before = memory_of_workers(url)
    with connections(url, CROWD) as wires:
        for wire in wires:
            wire.sendall(request("/healthz", *fields))
            assert first_byte(wire) == b"H"
        assert memory_of_workers(url) - before < CROWD * len("".join(fields)) / 2


def memory_of_workers(url: str) -> int:
    """Return the bytes that the processes of the API which listen there have in memory."""
    bind = f"{urlsplit(url).hostname}:{urlsplit(url).port}"
    own = [process for process in Path("/proc").glob("[0-9]*") if bind in command_of(process)]
    pages = sum(int((process / "statm").read_text().split()[1]) for process in own)
    return pages * resource.getpagesize()


def command_of(process: Path) -> str:
    with suppress(OSError):
        return (process / "cmdline").read_bytes().decode(errors="replace")
    return ""


def test_a_response_that_breaks_off_unread_stops_nobody(settings: Settings, tmp_path: Path) -> None:
    """Try lengths around those that the system takes in for a client that does not read."""
    log = tmp_path / "log"
    with running_api(settings, log, application="tests.files.broken_stream:application") as url:
        with connections(url, 20) as wires:
            for number, wire in enumerate(wires):
                wire.sendall(request(f"/{3 * number + 1}"))
                wire.shutdown(socket.SHUT_WR)  # or the service would wait a moment for the client's end
            wait_until(lambda: log.read_text().count("storage is gone") >= 3, SECONDS, "some to break off")
        for _ in range(20):
            assert httpx.get(f"{url}/ok", timeout=client_socket.STALL_SECONDS / 2).status_code == 200
    assert "Exception in worker process" not in log.read_text()


def test_slow_clients_are_cut_each_with_one_line(url: str, log: Path) -> None:
    before = cuts(log)
    slow = [*HALVES.values(), HALF_OF_A_LARGE_BODY, request("/openapi.json") * 200]
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
