"""Servers and a network for tests of the guarded fetcher, friendly and hostile ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PICTURE = bytes(range(256)) * 40
PUBLIC = "93.184.216.34"
LIMIT = 100_000
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


def serve(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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
