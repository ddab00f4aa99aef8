"""A receiver of webhooks on the loopback interface, which verifies them with the library for that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from shared.wire.webhook_records import WebhookEvent
from tests.stacks.servers import wait_until

Answer = Callable[["Handler"], None]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def event(self, secret: str) -> WebhookEvent:
        """Return the event; raise if it is not signed with `secret`, or is old."""
        Webhook(secret).verify(self.body, self.headers)
        return WebhookEvent.model_validate_json(self.body)

    def is_signed_with(self, secret: str) -> bool:
        try:
            self.event(secret)
        except WebhookVerificationError:
            return False
        return True


class Receiver(ThreadingHTTPServer):
    """Gives the responses set for a path, the last one repeatedly; 204 for other paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.answers: dict[str, list[Answer]] = {}
        self.received: list[Received] = []
        self._lock = threading.Lock()

    def url(self, path: str = "/hook") -> str:
        return f"http://{self.host}{path}"

    def note(self, received: Received) -> Answer:
        with self._lock:
            self.received.append(received)
            answers = self.answers.get(received.path, [])
            return answers.pop(0) if len(answers) > 1 else answers[0] if answers else says(204)

    def at(self, path: str = "/hook") -> list[Received]:
        return [each for each in self.received if each.path == path]

    def until(self, number: int, path: str = "/hook") -> list[Received]:
        """Wait until so many requests came to the path."""
        wait_until(lambda: len(self.at(path)) >= number, what=f"webhook {number} at {path}")
        return self.at(path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a sender that hangs up, as some tests want."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # its sender died before the end of its request
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.note(Received(self.path, headers, body))(self)

    def do_GET(self) -> None:
        self.server.note(Received(self.path, {}, b""))(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def says(status: int, body: bytes = b"", **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content_Length": len(body)}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def holds(until: threading.Event) -> Answer:
    """Return a response that waits for the event, and then is 204."""

    def answer(handler: Handler) -> None:
        until.wait(60)
        says(204)(handler)

    return answer


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    thread.join()
    receiver.server_close()
