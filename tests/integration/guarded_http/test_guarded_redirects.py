"""Redirects under the guarded fetcher: followed a few times, and only to allowed addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import PermanentError, SourceForbidden, SourceRejected
from tests.integration.guarded_http.servers import PICTURE, PUBLIC, Network, Server, redirect
from worker.sources.guarded_http import GuardedHttp


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed(status: int, server: Server, http: GuardedHttp) -> None:
    server.answers |= {
        "/1": redirect("/2", status),
        "/2": redirect(server.url("/3"), status),
        "/3": redirect("cat.jpg", status),
    }
    assert http.get(server.url("/1")) == PICTURE


def test_a_fourth_redirect_and_a_loop_are_refused(server: Server, http: GuardedHttp) -> None:
    server.answers["/loop"] = redirect("/loop")
    with pytest.raises(SourceRejected, match="more than 3 times"):
        http.get(server.url("/loop"))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "ftp://photos.example.org/", "gopher://127.0.0.1:6379/_INFO",
        "http://127.0.0.1:{other}/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data",
        "http://photos.example.org/cat.jpg", "//10.0.0.1/", "https://user:pass@photos.example.org/",
        "https://photos.example.org:22/", "https://[::1",
    ],
)  # fmt: skip
def test_an_allowed_host_cannot_redirect_to_what_is_not_allowed(
    location: str, server: Server, http: GuardedHttp, network: Network
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        server.answers["/away"] = redirect(location.format(other=other.getsockname()[1]))
        with pytest.raises(PermanentError, match=r"^127\.0\.0\.1") as refusal:
            http.get(server.url("/away"))
        with pytest.raises(BlockingIOError):
            other.accept()
    assert type(refusal.value) in (SourceForbidden, SourceRejected)
    assert network.destinations == [("127.0.0.1", server.port)]


def test_the_refusal_of_a_redirect_does_not_say_where_it_leads(server: Server, http: GuardedHttp) -> None:
    server.answers["/away"] = redirect("https://secret.internal/")
    with pytest.raises(SourceForbidden) as refusal:
        http.get(server.url("/away"))
    assert "secret" not in refusal.value.detail


def test_a_public_host_may_redirect_to_a_public_host_but_not_to_a_private_address(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    network.names |= {"cdn.example.org": [[PUBLIC]], "trap.example.org": [["10.0.0.1"]]}
    public_server.answers["/cdn"] = redirect("https://cdn.example.org/cat.jpg")
    public_server.answers["/trap"] = redirect("https://trap.example.org/cat.jpg")
    assert public_http.get("https://photos.example.org/cdn") == PICTURE
    assert public_server.requests[1][1]["Host"] == "cdn.example.org"
    with pytest.raises(
        SourceForbidden, match=r"^photos\.example\.org leads to an address that is not public$"
    ):
        public_http.get("https://photos.example.org/trap")
    assert set(network.destinations) == {(PUBLIC, 443)}


def test_a_redirect_from_https_to_http_is_refused_even_to_an_allowed_host(
    public_server: Server, server: Server, certificate: Path, make_http: Callable[..., GuardedHttp]
) -> None:
    public_server.answers["/plain"] = redirect(server.url())
    with pytest.raises(SourceForbidden, match="from https:// to http://"):
        make_http(server.host, ca_bundle=str(certificate)).get("https://photos.example.org/plain")
    assert server.requests == []
