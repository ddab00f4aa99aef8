"""A proxy in front of the S3 server that responds wrongly, late, half or not at all."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from shared.settings import Settings

UPSTREAM_SECONDS = 10
OWN_HEADERS = {"connection", "transfer-encoding", "content-length"}


class S3Fault(StrEnum):
    ERROR = auto()  # 500 InternalError
    SLOW_DOWN = auto()  # 503 SlowDown
    HANG = auto()  # the request is accepted and gets no response
    HALF = auto()  # a download, or an upload, breaks off in the middle
    REFUSE = auto()  # the connection is reset
    HOLD = auto()  # the right response, but only when the fault has passed


ANSWERS = {S3Fault.ERROR: (500, "InternalError"), S3Fault.SLOW_DOWN: (503, "SlowDown")}


@dataclass(frozen=True)
class Request:
    """A request as it came in; the names of `headers` have no case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A response in place of S3's own."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def s3_error(status: int, code: str, message: str = "fault", **more: str) -> Answer:
    """Return an error as S3 words it; `more` are further elements."""
    elements = {"Code": code, "Message": message, **more}
    xml = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
    body = f"<?xml version='1.0'?><Error>{xml}</Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml"})


class HttpProxy(ThreadingHTTPServer):
    """Listens on `port` and passes requests on to `target_port`, both on the loopback interface."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target_port: int, chance: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = int(self.server_address[1])
        self.target_port = target_port
        self.held = 0  # requests that hang or are held now
        self.faults = 0  # requests that met a fault
        self.healed = threading.Event()
        self._fault: S3Fault | None = None
        self._share = 1.0
        self._methods: frozenset[str] = frozenset()
        self._chance = chance
        self.own_answer: Callable[[Request], Answer | None] = lambda _: None  # None: S3 is asked
        self.stripped_path = ""  # taken from the beginning of each request's path
        threading.Thread(target=self.serve_forever, name="http-proxy", daemon=True).start()

    def inject(self, fault: S3Fault, share: float = 1.0, methods: tuple[str, ...] = ()) -> None:
        """Let this fault hit a share of the requests from now on; `methods` limits it to some,
        such as PUT.
        """
        self.healed.clear()
        self._share, self._methods = share, frozenset(methods)
        self._fault = fault

    def heal(self) -> None:
        self._fault = None
        self.healed.set()

    def close(self) -> None:
        self.heal()
        self.shutdown()
        self.server_close()

    def fault_of(self, method: str) -> S3Fault | None:
        """Choose the fault of the next request."""
        spared = self._chance.random() >= self._share or (self._methods and method not in self._methods)
        fault = None if spared else self._fault
        self.faults += fault is not None
        return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.server.fault_of(self.command):
            case S3Fault.ERROR | S3Fault.SLOW_DOWN as fault:
                self._say(s3_error(*ANSWERS[fault]))
            case S3Fault.HANG:
                self._wait()
                self._break_off()
            case S3Fault.HALF:
                self._half(body)
            case S3Fault.REFUSE:
                self._break_off()
            case S3Fault.HOLD:
                self._wait()
                self._answer(*self._ask(body))
            case None:
                self._serve_well(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _serve  # noqa: N815 - the base class's names

    def _serve_well(self, body: bytes) -> None:
        own = self.server.own_answer(Request(self.command, self.path, self.headers, body))
        if own is None:
            self._answer(*self._ask(body))
        else:
            self._say(own)

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the server's response; the Host header, which is signed, stays the client's."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=UPSTREAM_SECONDS)
        try:
            path = self.path.removeprefix(self.server.stripped_path)
            upstream.request(self.command, path, body or None, dict(self.headers.items()))
            answer = upstream.getresponse()
            return answer, answer.read()
        except OSError:
            self._break_off()
            raise
        finally:
            upstream.close()

    def _answer(self, answer: http.client.HTTPResponse, body: bytes, sent: int | None = None) -> None:
        """Send the response, or only `sent` bytes of its body."""
        self.send_response_only(answer.status, answer.reason)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        for name, value in answer.getheaders():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body[:sent])

    def _half(self, body: bytes) -> None:
        if self.command == "PUT":
            self._send_half(body)
        else:
            answer, content = self._ask(body)
            self._answer(answer, content, len(content) // 2)
        self._break_off()

    def _send_half(self, body: bytes) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        text = f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
        with socket.create_connection(("127.0.0.1", self.server.target_port)) as upstream:
            upstream.sendall(text + body[: len(body) // 2])

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer.body)

    def _wait(self) -> None:
        self.server.held += 1
        self.server.healed.wait()
        self.server.held -= 1

    def _break_off(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def proxy_before(settings: Settings) -> Iterator[HttpProxy]:
    """Run a proxy in front of the S3 server that `settings` lead to."""
    proxy = HttpProxy(urlsplit(str(settings.s3_endpoint_url)).port or 0, random.Random())
    try:
        yield proxy
    finally:
        proxy.close()
