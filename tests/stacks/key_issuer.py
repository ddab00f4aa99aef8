"""A source of temporary S3 credentials like that of Amazon's containers, and the check of their tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.faults.wires.http_proxy import Answer, Request, s3_error

Pair = tuple[str, str]  # access key, secret key


class KeyIssuer(ThreadingHTTPServer):
    """Issues the pairs in turn, each with a token; the next follows when the last has half its time left."""

    daemon_threads = True

    def __init__(self, pairs: Sequence[Pair], seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pairs = pairs
        self.seconds = seconds
        self.ends: list[datetime] = []  # of each token that was issued
        self.refused = 0  # requests with a token that had ended
        self.used: set[int] = set()  # tokens that came to S3 in time
        self.closed = False  # whether the source responds with errors
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment that leads botocore here, and to no other credentials."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.server_port}/credentials",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def issue(self) -> dict[str, str]:
        with self._lock:
            now, life = datetime.now(UTC), timedelta(seconds=self.seconds)
            if not self.ends or self.ends[-1] - now < life / 2:
                self.ends.append(now + life)
            number = len(self.ends) - 1
            key, secret = self.pairs[number % len(self.pairs)]
            return {
                "AccessKeyId": key,
                "SecretAccessKey": secret,
                "Token": f"token-{number}",
                "Expiration": self.ends[number].isoformat(),
            }

    def refusal(self, request: Request) -> Answer | None:
        """Return S3's refusal of a request without a token, or with one that has ended."""
        query = parse_qs(urlsplit(request.path).query)
        token = request.headers.get("x-amz-security-token") or query.get("X-Amz-Security-Token", [""])[0]
        if not token:
            return s3_error(403, "AccessDenied", "A token is missing")
        number = int(token.removeprefix("token-"))
        if self.ends[number] < datetime.now(UTC):
            self.refused += 1
            return s3_error(400, "ExpiredToken", "The provided token has expired.")
        self.used.add(number)
        return None


class _Handler(BaseHTTPRequestHandler):
    server: KeyIssuer

    def do_GET(self) -> None:
        body = b"" if self.server.closed else json.dumps(self.server.issue()).encode()
        self.send_response(500 if self.server.closed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def issuing(pairs: Sequence[Pair], seconds: float) -> Iterator[KeyIssuer]:
    issuer = KeyIssuer(pairs, seconds)
    try:
        yield issuer
    finally:
        issuer.shutdown()
        issuer.server_close()
