"""The guarded fetcher against real servers on the loopback interface, friendly and hostile ones."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.errors import (
    PermanentError,
    SourceForbidden,
    SourceNotFound,
    SourceRejected,
    SourceTooLarge,
    SourceUnavailable,
)
from shared.settings import Settings
from tests.certificates import make_certificate
from worker.sources.guarded_http import GuardedHttp

PICTURE = bytes(range(256)) * 40
PUBLIC = "93.184.216.34"
LIMIT = 100_000
DEADLINE_SECONDS = 0.5

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Responds to each path with a function; remembers the requests, and how many connections there were."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {"/cat.jpg": body(PICTURE)}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections: set[Any] = set()
        self.port = self.server_port
        self.host = f"127.0.0.1:{self.port}"

    def url(self, path: str = "/cat.jpg") -> str:
        return f"http://{self.host}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a fetcher that hangs up, as most of these tests want."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        self.server.connections.add(self.client_address)
        self.server.answers[self.path](self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def head(handler: BaseHTTPRequestHandler, status: int = 200, /, **headers: object) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def body(data: bytes, status: int = 200, **headers: object) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, status, Content_Length=len(data), **headers)
        handler.wfile.write(data)

    return answer


def redirect(location: str, status: int = 302) -> Answer:
    return body(b"", status, Location=location)


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


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve(Server())


def serve(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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


class Network:
    """Replies of a name server, in turn, and the addresses that were connected to; only loopback is real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.routes: dict[tuple[str, int], tuple[str, int]] = {}
        self.destinations: list[tuple[str, int]] = []
        self._resolve, self._connect = socket.getaddrinfo, socket.socket.connect
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

        def connect(sock: socket.socket, address: tuple[Any, ...]) -> None:
            self.connect(sock, address)

        monkeypatch.setattr(socket.socket, "connect", connect)

    def getaddrinfo(self, host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        answers = self.names.get(host)
        if answers is None:
            return self._resolve(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in addresses for found in self._resolve(address, port, *args, **kwargs)]

    def connect(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        destination = (address[0], address[1])
        self.destinations.append(destination)
        if destination not in self.routes and destination[0] not in ("127.0.0.1", "::1"):
            raise ConnectionRefusedError("not in this network")
        self._connect(sock, self.routes.get(destination, destination))


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


def test_a_file_of_an_allowed_host_arrives_whole(server: Server, http: GuardedHttp) -> None:
    assert http.get(server.url()) == PICTURE


def test_a_file_of_a_public_host_arrives_over_checked_tls(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    assert public_http.get("https://photos.example.org/cat.jpg") == PICTURE
    assert public_server.requests[0][1]["Host"] == "photos.example.org"
    assert network.destinations == [(PUBLIC, 443)]


def test_a_certificate_of_another_name_is_not_accepted(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    network.names["other.example.org"] = [[PUBLIC]]
    with pytest.raises(SourceUnavailable, match="certificate"):
        public_http.get("https://other.example.org/cat.jpg")
    assert public_server.requests == []


def test_connections_are_kept_for_the_next_fetch(server: Server, http: GuardedHttp) -> None:
    for _ in range(3):
        http.get(server.url())
    assert len(server.connections) == 1


def test_many_threads_may_fetch_at_once(server: Server, http: GuardedHttp) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(http.get, [server.url()] * 64)) == {PICTURE}


def test_the_request_says_nothing_about_who_asks(server: Server, http: GuardedHttp) -> None:
    server.answers["/cat.jpg"] = body(PICTURE, Set_Cookie="id=1; Path=/")
    http.get(server.url())
    http.get(server.url())
    _, headers = server.requests[1]
    assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert headers["Accept-Encoding"] == "identity"


def test_proxies_of_the_environment_are_ignored(
    server: Server, http: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert http.get(server.url()) == PICTURE


# --- addresses ------------------------------------------------------------------------------------


def test_loopback_is_refused_unless_it_is_allowed(
    server: Server, make_http: Callable[..., GuardedHttp]
) -> None:
    for url in (server.url(), f"https://{server.host}/cat.jpg", "https://localhost/cat.jpg"):
        with pytest.raises(SourceForbidden):
            make_http().get(url)
    with pytest.raises(SourceForbidden):
        make_http("127.0.0.1:1").get(server.url())
    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "100.64.0.1", "192.0.0.8", "224.0.0.1",
        "240.0.0.1",
        "::1", "::", "fe80::1", "fec0::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2001::1", "2001:db8::1", "5f00::1",
    ],
)  # fmt: skip
def test_a_public_name_that_leads_to_a_private_address_is_refused_without_connecting(
    address: str, public_http: GuardedHttp, network: Network
) -> None:
    network.names["trap.example.org"] = [[address]]
    with pytest.raises(SourceForbidden, match=r"^trap\.example\.org leads to an address that is not public$"):
        public_http.get("https://trap.example.org/cat.jpg")
    assert network.destinations == []


@pytest.mark.parametrize(
    "answers", [[[PUBLIC], ["127.0.0.1"]], [[PUBLIC, "127.0.0.1"]], [["::ffff:" + PUBLIC], ["::1"]]]
)
def test_a_name_server_that_changes_its_answer_gains_nothing(
    answers: list[list[str]], public_http: GuardedHttp, network: Network
) -> None:
    network.names["rebind.example.org"] = answers
    with pytest.raises(SourceUnavailable):
        public_http.get("https://rebind.example.org/cat.jpg")
    assert network.destinations == [(PUBLIC, 443)]


def test_a_name_that_turns_private_between_two_fetches_is_refused(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    network.names["photos.example.org"] = [[PUBLIC], ["127.0.0.1"]]
    public_http.get("https://photos.example.org/cat.jpg")
    with pytest.raises(SourceForbidden):
        public_http.get("https://photos.example.org/cat.jpg")


def test_a_name_that_nobody_knows_is_a_passing_trouble(public_http: GuardedHttp, network: Network) -> None:
    with pytest.raises(SourceUnavailable, match=r"nobody\.example\.org cannot be reached"):
        public_http.get("https://nobody.example.org/cat.jpg")


# --- redirects --------------------------------------------------------------------------------------


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


# --- limits -----------------------------------------------------------------------------------------


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


# --- answers ----------------------------------------------------------------------------------------


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
