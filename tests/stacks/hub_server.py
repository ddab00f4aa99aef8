"""A Hub on the loopback interface: one model as a tar.gz, sent as slowly as a test wants."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class HubServer(ThreadingHTTPServer):
    """A server that stops each response after its first half while `slow` is set."""

    daemon_threads = True

    def __init__(self, model: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.handle_of_model = f"http://127.0.0.1:{self.server_port}/photo/model/1"
        self.archive = _archive(model)
        self.asked: list[str] = []
        self.slow = threading.Event()
        self.closing = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        archive = self.server.archive
        self.send_response(200)
        self.send_header("Content-Length", str(len(archive)))
        self.end_headers()
        half = len(archive) // 2
        try:
            self.wfile.write(archive[:half])
            if self.server.slow.is_set():
                self.server.closing.wait()
            self.wfile.write(archive[half:])
        except OSError:  # the client was killed
            pass

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def running_hub(model: Path) -> Iterator[HubServer]:
    with HubServer(model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


def _archive(model: Path) -> bytes:
    """Return the model's files uncompressed, so that half of the bytes are half of the files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=0) as archive:
        archive.add(model, arcname=".")
    return packed.getvalue()
