"""The cost of a request is bounded: bodies, headers and nesting, sent to a real Gunicorn over
bare sockets.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask

from api import gunicorn_conf
from shared.settings import Settings
from shared.store.redis.connection import connect
from shared.wire.base import MAX_URL
from tests.access import routes
from tests.stacks.gunicorn import environment, gunicorn, running_api
from tests.stacks.service import PAIR, assert_problem

PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
MOST_BYTES = 80_000_000  # more than any route reads before it responds
SECONDS = 20
BEGUN = (
    "POST /v1/batches HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9\r\n\r\n{"
)


@pytest.fixture(scope="module")
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    connect(redis_url).flushdb()  # removes the keys of other tests
    low = {"max_upload_bytes": 2_000_000, "max_batch_bytes": 3_000_000, "max_batch_json_bytes": 1_000_000}
    return s3_settings.model_copy(update={"redis_url": redis_url, **low})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api") / "log"


@pytest.fixture(scope="module")
def url(settings: Settings, log: Path) -> Iterator[str]:
    with running_api(settings, log) as url:
        yield url


def raw(url: str, request: bytes, pieces: Iterable[bytes] = ()) -> tuple[int, str, int]:
    """Return the status, the whole response, and the bytes of the body that were sent before the server hung
    up.
    """
    sent = 0
    with socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), SECONDS) as wire:
        wire.sendall(request)
        wire.settimeout(0.2)
        answer = b""
        try:
            for piece in pieces:
                wire.sendall(piece)
                sent += len(piece)
        except (OSError, TimeoutError):
            pass
        wire.settimeout(SECONDS)
        try:
            while chunk := wire.recv(65536):
                answer += chunk
        except ConnectionError:
            pass
    return int(answer.split(b" ", 2)[1]) if answer else 0, answer.decode(errors="replace"), sent


def endless() -> Iterator[bytes]:
    for _ in range(2 * MOST_BYTES // len(PIECE)):
        yield PIECE


KINDS = (
    "application/json",
    "application/x-ndjson",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_route_takes_an_endless_body(url: str, app: Flask, kind: str) -> None:
    headers = f"Connection: close\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    for method, path in routes(app):
        head = f"{method} {path.replace('<', '').replace('>', '')} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
        status, answer, sent = raw(url, head.encode(), endless())
        assert sent < MOST_BYTES, (method, path, sent)
        assert status in {0, 200, 202, 400, 404, 413, 415, 422}, (
            method,
            path,
            answer,
        )  # 0: hung up while it was sent
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused_unread(url: str) -> None:
    for path, kind in (("/v1/jobs", "application/json"), ("/v1/batches", "application/x-ndjson")):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\n"
        status, answer, _ = raw(url, f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert (status, "body-too-large" in answer) == (413, True)


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_deep_nesting_is_refused_wherever_json_is_read(app: Flask, opening: str) -> None:
    deep = opening * 100_000
    client = app.test_client()
    picture = {"style": json.dumps(PAIR["style"]), "content": json.dumps(PAIR["content"])}
    for response in (
        client.post("/v1/jobs", data=deep, content_type="application/json"),
        client.post("/v1/uploads", data=deep[:90_000], content_type="application/json"),
        client.post("/v1/batches", data=deep, content_type="application/json"),
        client.post("/v1/batches", data=deep, content_type="application/x-ndjson"),
        client.post("/v1/dead-letters/replay", data=deep[:90_000], content_type="application/json"),
    ):
        assert response.status_code in {400, 422}, response.text
    form = {**picture, "params": deep}
    answer = client.post("/v1/jobs", data=form, content_type="multipart/form-data")
    assert_problem(answer, 422, "invalid-parameter", "/params")


def test_many_form_fields_are_refused(app: Flask) -> None:
    form = {f"field{number}": "1" for number in range(100)}
    response = app.test_client().post("/v1/jobs", data=form, content_type="multipart/form-data")
    assert_problem(response, 413, "body-too-large")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + "x" * 9000 + "\r\n\r\n", 431),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n" + "".join(f"X-{n}: 1\r\n" for n in range(100)) + "\r\n", 431),
        ("GET /healthz?" + "x" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", 400),
    ],
)
def test_heads_have_limits_too(url: str, head: str, status: int) -> None:
    assert raw(url, head.encode())[0] == status


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-ndjson", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(
    "chunk",
    ["zz\r\nabc", "-1\r\nabc", "0x3\r\nabc", "3 \r\nabc", "3\nabc", "\r\nabc", "3\r\nabcd", "3;\0\r\nabc"],
)
def test_malformed_chunks_are_the_senders_mistake(url: str, log: Path, kind: str, chunk: str) -> None:
    path = "/v1/batches" if kind == "application/x-ndjson" else "/v1/jobs"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n"
    )
    status, answer, _ = raw(url, f"{head}Connection: close\r\n\r\n{chunk}\r\n0\r\n\r\n".encode())
    assert (status, "chunks are malformed" in answer) == (400, True)
    assert "request failed" not in log.read_text()


def test_the_longest_webhook_url_fits_into_its_header(url: str) -> None:
    receiver = "https://example.org/".ljust(MAX_URL, "x")
    headers = {"Content-Type": "application/x-ndjson", "Webhook-Url": receiver}
    answer = httpx.post(f"{url}/v1/batches", content=json.dumps(PAIR), headers=headers)
    assert answer.status_code == 202, answer.text


def test_responses_name_no_version_of_the_server(url: str) -> None:
    response = httpx.get(f"{url}/v1/jobs")
    assert response.headers["Server"] == "gunicorn"
    assert "X-Powered-By" not in response.headers


def test_connections_that_say_nothing_keep_nobody_out(url: str) -> None:
    with connections(url, 300):
        assert httpx.get(f"{url}/v1/jobs", timeout=2).status_code == 200


def test_requests_that_stop_in_the_middle_are_cut(url: str) -> None:
    parts = ["GET /v1/jobs HT", "POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\n", BEGUN]
    with connections(url, 2 * gunicorn_conf.threads) as wires:
        for wire, part in zip(wires, cycle(parts), strict=False):
            wire.sendall(part.encode())
        assert httpx.get(f"{url}/v1/jobs", timeout=3 * gunicorn_conf.STALL_SECONDS).status_code == 200


BALANCERS_IDLE_SECONDS = 60  # of Amazon's load balancers and of nginx


@pytest.mark.parametrize("seconds", [None, 620])
def test_idle_connections_outlive_those_of_the_balancer_before_it(
    settings: Settings, seconds: int | None
) -> None:
    """With Gunicorn's own 2 seconds a balancer may send a request into a connection that is being closed:
    502.
    """
    given = settings if seconds is None else settings.model_copy(update={"keepalive_seconds": seconds})
    command = gunicorn("127.0.0.1:0", "--print-config")
    shown = subprocess.run(command, env=environment(given), capture_output=True, text=True, check=True).stdout
    (kept,) = re.findall(r"^keepalive +=? ?(\d+)$", shown, re.MULTILINE)
    assert int(kept) == (seconds or 75) > BALANCERS_IDLE_SECONDS


@contextmanager
def connections(url: str, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as open_ones:
        where = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        yield [open_ones.enter_context(socket.create_connection(where, SECONDS)) for _ in range(number)]
