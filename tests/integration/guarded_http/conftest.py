"""A guarded fetcher, and servers for it on the loopback interface."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.guarded_http.servers import LIMIT, PUBLIC, Network, Server, serve
from tests.stacks.certificates import make_certificate
from worker.sources.guarded_http import GuardedHttp


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve(Server())


@pytest.fixture
def make_http() -> Iterator[Callable[..., GuardedHttp]]:
    made: list[GuardedHttp] = []

    def make(*allowed: str, ca_bundle: str | None = None, seconds: float = 10) -> GuardedHttp:
        settings = Settings(
            source_allowed_hosts=allowed, max_upload_bytes=LIMIT, source_timeout_seconds=seconds
        )
        made.append(GuardedHttp(settings, ca_bundle))
        return made[-1]

    yield make
    for http in made:
        http.close()


@pytest.fixture
def http(server: Server, make_http: Callable[..., GuardedHttp]) -> GuardedHttp:
    return make_http(server.host)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for photos.example.org and cdn.example.org."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "photos.example.org", "cdn.example.org")


@pytest.fixture
def public_server(network: Network, certificate: Path) -> Iterator[Server]:
    """photos.example.org: https on a public address, which leads to a server on the loopback interface."""
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    network.names["photos.example.org"] = [[PUBLIC]]
    network.routes[(PUBLIC, 443)] = ("127.0.0.1", server.port)
    yield from serve(server)


@pytest.fixture
def public_http(certificate: Path, make_http: Callable[..., GuardedHttp]) -> GuardedHttp:
    return make_http(ca_bundle=str(certificate))
