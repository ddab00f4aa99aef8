"""The command's first request to the service: it checks what responds, and explains when nothing does."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from client import StyleQueue
from client.http.transport import TLS_SECONDS
from tests.stacks.certificates import make_certificate
from tests.unit.client_server import Answer, Loopback, Script, problem
from tests.unit.command_service import run

LATER = {"Retry-After": "0"}
AWAY = {"Retry-After": "3600"}
ONE_TRY = ("top", "--once")
WEB_PAGE = Answer(404, b"<html>", {"Content-Type": "text/html"})


@pytest.fixture
def script() -> Iterator[Script]:
    with Script() as script:
        yield script


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path, "localhost")


@pytest.fixture
def tls(certificate: Path) -> Iterator[str]:
    """The URL of a service with a self-signed certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with Loopback(lambda _: Answer(200, {"jobs": []}), tls=context) as server:
        yield server.url.replace("http://127.0.0.1", "https://localhost")


def said(url: str, *words: object) -> str:
    """Return the sentence of a command that fails."""
    result = run(url, *(words or ("jobs",)))
    assert result.exit_code == 1, result.output
    return result.output


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_service_that_is_busy_at_first_is_asked_again(script: Script, status: int) -> None:
    script.on("GET /healthz", Answer(status, b"<html>", LATER), Answer(200, {}))
    script.on("GET /v1/jobs", Answer(200, {"jobs": []}))
    result = run(script.url, "jobs")
    assert (result.exit_code, result.output) == (0, "No jobs.\n")
    assert len(script.asked("GET /healthz")) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(502, b"<html>", AWAY), "responded 502 Bad Gateway"),
        (problem(503, "broker-unavailable", "Redis cannot be reached.", headers=AWAY), "Redis cannot be"),
        (problem(429, "rate-limited", "Too many requests.", headers=AWAY), "Too many requests."),
        (Answer(401, b"", {"WWW-Authenticate": "Basic"}), "responded 401 Unauthorized"),
        (
            Answer(301, b"", {"Location": "https://elsewhere/login?token=s3cret"}),
            "redirects to https://elsewhere/login?[hidden]; is the URL right?",
        ),
        (WEB_PAGE, "responded 404 Not Found at the path of a stylequeue service"),
    ],
)
def test_errors_of_the_service_are_shown(script: Script, answer: Answer, reason: str) -> None:
    script.on("GET /healthz", answer)
    sentence = said(script.url)
    assert reason in sentence
    assert "stylequeue up" not in sentence


def test_without_a_listener_the_way_to_start_one_is_shown_at_once(script: Script) -> None:
    with Script() as gone:
        nowhere = gone.url
    sentence = f"Error: No service answers at {nowhere}. Is it running? Start one with: stylequeue up\n"
    assert said(nowhere) == sentence


def test_a_name_that_does_not_exist_is_named() -> None:
    sentence = said("http://stylequeue.invalid", *ONE_TRY)
    assert "http://stylequeue.invalid cannot be reached" in sentence
    assert "Errno" not in sentence


def test_a_certificate_that_is_not_trusted_is_the_reason(tls: str) -> None:
    reason = "its certificate is not trusted (self-signed certificate)"
    assert said(tls) == f"Error: {tls} cannot be reached: {reason}\n"


def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(
    tls: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert run(tls, "jobs").output == "No jobs.\n"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("other.pem")))
    assert "SSL_CERT_FILE or SSL_CERT_DIR names no certificates that can be read" in said(tls)


def test_a_service_without_tls_is_distinguished_from_one_that_is_away(script: Script) -> None:
    script.on("GET /healthz", Answer(200, {}))
    assert "TLS fails (WRONG_VERSION_NUMBER); a service without TLS is at http://" in said(
        script.url.replace("http:", "https:"), *ONE_TRY
    )


def test_a_service_without_tls_that_waits_for_a_request_is_reported_after_one_try() -> None:
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        Thread(target=lambda: connections.append(silent.accept()), daemon=True).start()
        sentence = said(f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert "TLS fails (no response); a service without TLS is at http://" in sentence
    assert len(connections) == 1


def test_connecting_with_tls_takes_a_short_part_of_the_time_that_a_request_may_take() -> None:
    with StyleQueue("https://localhost", timeout_seconds=30) as queue:
        assert queue.core._transport._timeout().connect == TLS_SECONDS
        assert queue.core._transport._timeout(60).read == 60


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        ("socks5://127.0.0.1:1", "names a SOCKS proxy, which takes: pip install 'httpx[socks]'"),
        ("ftp://proxy", "is not a proxy's address"),
        ("http://user:pa:secret", "is not a proxy's address"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_sentence_without_its_value(
    monkeypatch: pytest.MonkeyPatch, proxy: str, sentence: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    output = " ".join(said("http://stylequeue.invalid").split())
    assert sentence in output
    assert "secret" not in output


def test_a_proxy_that_refuses_is_not_taken_for_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with Script() as gone:
        monkeypatch.setenv("HTTP_PROXY", gone.url)
    sentence = said("http://stylequeue.invalid", *ONE_TRY)
    assert sentence == "Error: http://stylequeue.invalid cannot be reached: Connection refused\n"
