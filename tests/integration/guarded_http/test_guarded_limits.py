"""Limits of the guarded fetcher: sizes, deadlines, and broken responses."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from shared.errors import SourceNotFound, SourceRejected, SourceTooLarge, SourceUnavailable
from tests.integration.guarded_http.servers import LIMIT, Answer, Server, body, head, redirect
from worker.sources.guarded_http import GuardedHttp

DEADLINE_SECONDS = 0.5


def drip(prefix: bytes, drop: bytes) -> Answer:
    """Send `drop` every 50 ms until the other side hangs up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(prefix)
        handler.close_connection = True
        while True:
            handler.wfile.write(drop)
            time.sleep(0.05)

    return answer


def raw(data: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


def test_a_file_of_exactly_the_limit_is_taken(server: Server, http: GuardedHttp) -> None:
    server.answers["/full"] = body(bytes(LIMIT))
    assert len(http.get(server.url("/full"))) == LIMIT


def test_an_announced_size_above_the_limit_is_refused_before_the_body(
    server: Server, http: GuardedHttp
) -> None:
    server.answers["/huge"] = lambda handler: head(handler, Content_Length=10**10)
    with pytest.raises(SourceTooLarge, match=r"100,000 \(max_upload_bytes\)"):
        http.get(server.url("/huge"))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_endless_body_is_cut_at_the_limit(chunked: bool, server: Server, http: GuardedHttp) -> None:
    sent = []
    hung_up = threading.Event()
    piece = b"2000\r\n" + bytes(8192) + b"\r\n" if chunked else bytes(8192)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        head(handler, 200, **({"Transfer_Encoding": "chunked"} if chunked else {"Connection": "close"}))
        try:
            while True:
                sent.append(handler.wfile.write(piece))
        except OSError:
            hung_up.set()

    server.answers["/endless"] = endless
    with pytest.raises(SourceTooLarge):
        http.get(server.url("/endless"))
    assert hung_up.wait(10)
    assert sum(sent) < 100 * LIMIT  # what the sockets' buffers hold


@pytest.mark.parametrize(
    ("prefix", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
        (b"", b"H"),
        (b"", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "body-without-length", "chunks", "headers", "header", "status", "silence", "continue"],
)
def test_a_server_that_drips_is_cut_at_the_deadline(
    prefix: bytes, drop: bytes, server: Server, make_http: Callable[..., GuardedHttp]
) -> None:
    server.answers["/drip"] = drip(prefix, drop)
    begin = time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"took longer than 0\.5 s"):
        make_http(server.host, seconds=DEADLINE_SECONDS).get(server.url("/drip"))
    assert time.monotonic() - begin < 2 * DEADLINE_SECONDS


def test_a_tls_server_that_drips_is_cut_at_the_deadline(
    public_server: Server, certificate: Path, make_http: Callable[..., GuardedHttp]
) -> None:
    public_server.answers["/drip"] = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")
    begin = time.monotonic()
    with pytest.raises(SourceUnavailable, match="took longer"):
        make_http(ca_bundle=str(certificate), seconds=DEADLINE_SECONDS).get("https://photos.example.org/drip")
    assert time.monotonic() - begin < 2 * DEADLINE_SECONDS


def test_time_spent_on_redirects_counts(server: Server, make_http: Callable[..., GuardedHttp]) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.3)
        redirect("/slow")(handler)

    server.answers["/slow"] = slow
    with pytest.raises(SourceUnavailable, match="took longer"):
        make_http(server.host, seconds=DEADLINE_SECONDS).get(server.url("/slow"))


def test_a_compressed_answer_is_refused_and_not_expanded(server: Server, http: GuardedHttp) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.answers["/bomb"] = body(bomb, Content_Encoding="gzip")
    with pytest.raises(SourceRejected, match="gzip"):
        http.get(server.url("/bomb"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, SourceNotFound),
        (410, SourceNotFound),
        (400, SourceRejected),
        (401, SourceRejected),
        (403, SourceRejected),
        (204, SourceRejected),
        (206, SourceRejected),
        (304, SourceRejected),
        (302, SourceRejected),  # without a Location
        (408, SourceUnavailable),
        (429, SourceUnavailable),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
    ],
)
def test_a_status_says_whether_trying_again_may_help(
    status: int, error: type[Exception], server: Server, http: GuardedHttp
) -> None:
    server.answers["/status"] = body(b"", status)
    with pytest.raises(error, match=rf"^127\.0\.0\.1 returned {status}"):
        http.get(server.url("/status"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Header: x\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_is_a_passing_trouble(answer: bytes, server: Server, http: GuardedHttp) -> None:
    server.answers["/broken"] = raw(answer)
    with pytest.raises(SourceUnavailable, match="cannot be reached, or broke off"):
        http.get(server.url("/broken"))


def test_a_server_that_refuses_connections_is_a_passing_trouble(
    make_http: Callable[..., GuardedHttp],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(SourceUnavailable):
        make_http(f"127.0.0.1:{port}").get(f"http://127.0.0.1:{port}/cat.jpg")
