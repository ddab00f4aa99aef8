"""Loopback servers that speak the wire format, and their responses."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from client import AsyncStyleQueue, Retries, StyleQueue
from tests.unit.event_loop import InEventLoop

JPEG = b"\xff\xd8\xff\xe0" + b"a photo"
PNG = b"\x89PNG\r\n\x1a\n" + b"a drawing"
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 "
URL = "https://pictures.example/wave.jpg"
NOW = "2026-01-02T03:04:05Z"
TRUNCATED = {
    "code": "image-truncated",
    "detail": "content image: The JPEG file has no end marker; all of its pixels are there",
}
QUICK = Retries(tries=5, first_delay_seconds=0.01)


@dataclass(frozen=True)
class Answer:
    """A response. `body` is JSON unless it is bytes; `lost` closes the connection before or within the
    response.
    """

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    arrived: float

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


class Loopback:
    """An HTTP server on a free port of this machine that keeps its requests."""

    def __init__(self, answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, route: str) -> list[Request]:
        return [request for request in self.requests if request.route == route]

    def _handler(self, answer: Callable[[Request], Answer]) -> type[BaseHTTPRequestHandler]:
        noted = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(url.query))
                request = Request(self.command, url.path, query, headers, body, time.monotonic())
                noted.append(request)
                self._say(answer(request))

            do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - named by http.server

            def _say(self, answer: Answer) -> None:
                self.close_connection = answer.lost
                if answer.lost and not answer.body:
                    return
                raw = isinstance(answer.body, bytes)
                content = answer.body if raw else json.dumps(answer.body).encode()
                headers = {"Content-Type": "image/jpeg" if raw else "application/json", **answer.headers}
                self.send_response(answer.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if answer.status != 304:
                    self.send_header("Content-Length", str(len(content) + answer.lost))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler


class Script(Loopback):
    """Gives the responses of each route in order; the last one repeats."""

    def __init__(self) -> None:
        super().__init__(self._next)
        self._answers: dict[str, list[Answer]] = defaultdict(list)

    def on(self, route: str, *answers: Answer) -> None:
        self._answers[route].extend(answers)

    def _next(self, request: Request) -> Answer:
        answers = self._answers[request.route]
        if not answers:
            return problem(404, "not-found", f"the script has no {request.route}")
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Wire:
    """A client between a service and a storage that follow scripts.

    In an event loop it is the client of asyncio, behind the methods of the other.
    """

    def __init__(self, *, in_event_loop: bool = False) -> None:
        self.service = Script()
        self.storage = Script()
        self._exits = ExitStack()
        self.queue = self._asyncio() if in_event_loop else self._blocking()

    def _blocking(self) -> StyleQueue:
        queue = StyleQueue(self.service.url, api_key="sq_secret", retries=QUICK)
        return self._exits.enter_context(queue)

    def _asyncio(self) -> StyleQueue:
        loop = self._exits.enter_context(asyncio.Runner())
        queue = AsyncStyleQueue(self.service.url, api_key="sq_secret", retries=QUICK)
        self._exits.callback(lambda: loop.run(queue.close()))
        return cast("StyleQueue", InEventLoop(queue, loop))

    def __enter__(self) -> Self:
        for server in (self.service, self.storage):
            self._exits.enter_context(server)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()


def problem(status: int, code: str, detail: str, **more: Any) -> Answer:
    headers = {"Content-Type": "application/problem+json", **more.pop("headers", {})}
    body = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": detail, **more}
    return Answer(status, body, headers)


def job(status: str = "queued", seq: int = 1, job_id: str = "j1", **more: Any) -> dict[str, Any]:
    """Return a job in the wire format."""
    links = {"self": f"/v1/jobs/{job_id}", "result": f"/v1/jobs/{job_id}/result"}
    links |= {"cancel": "/c", "events": "/e"}
    request = {"content": {"url": URL}, "style": {"url": URL}}
    view = {"id": job_id, "status": status, "seq": seq, "lane": "normal", "attempt": 1, "max_attempts": 3}
    return {**view, "request": request, "created_at": NOW, "links": links, "metadata": {}, **more}


def succeeded(picture: bytes, job_id: str = "j1", seq: int = 3, **more: Any) -> dict[str, Any]:
    result = {"key": f"results/o/{job_id}.jpg", "width": 4, "height": 3, "bytes": len(picture)}
    result |= {"sha256": hashlib.sha256(picture).hexdigest(), "content_type": "image/jpeg"}
    result |= {
        "model": "embedded",
        "device": "cpu",
        "timings_ms": {},
        "style_cache": "hit",
        "url": f"/v1/jobs/{job_id}/result",
    }
    return job("succeeded", seq, job_id, result=result, finished_at=NOW, **more)


def failed(job_id: str = "j1", **more: Any) -> dict[str, Any]:
    error = {"code": "image-undecodable", "detail": "The file is damaged.", "stage": "decode"}
    return job("failed", 3, job_id, error=error | {"retryable": False, "attempts": 1}, **more)


def upload(digest: str, url: str, *, exists: bool) -> dict[str, Any]:
    headers = {"Content-Type": "image/jpeg", "x-amz-checksum-sha256": "c2hh"}
    return {"upload_id": digest, "exists": exists, "url": url, "headers": headers, "expires_at": NOW}
