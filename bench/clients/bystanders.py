"""Clients outside a crowd: they poll and submit at their own slow pace."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.clients.bulk_batches import STYLE
from bench.clients.thin_client import p50_p99

PAUSE_SECONDS = 0.02  # between two requests of one of them
TIMEOUT_SECONDS = 60
JOB = json.dumps({"content": STYLE, "style": STYLE, "lane": "bulk"})
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Client:
    """A client that repeats one request."""

    name: str
    method: str
    path: str
    body: str | None
    keeps_connection: bool


@dataclass(frozen=True)
class Waited:
    """The response times of one client, and how many responses never came."""

    answered: int
    unanswered: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def bystanders(job_id: str) -> list[Client]:
    job = f"/v1/jobs/{job_id}"
    return [
        Client("poll", "GET", job, None, keeps_connection=True),
        Client("poll, new connection each time", "GET", job, None, keeps_connection=False),
        Client("submit", "POST", "/v1/jobs", JOB, keeps_connection=True),
    ]


def ask_all(url: str, clients: list[Client], seconds: float) -> dict[str, Waited]:
    """Let every client ask at the same time."""
    end = time.perf_counter() + seconds
    with ThreadPoolExecutor(len(clients)) as threads:
        waited = list(threads.map(lambda client: _ask(url, client, end), clients))
    return {client.name: each for client, each in zip(clients, waited, strict=True)}


def _ask(url: str, client: Client, end: float) -> Waited:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    milliseconds, unanswered = [], 0
    while (begin := time.perf_counter()) < end:
        try:
            connection.request(client.method, client.path, client.body, _headers(client))
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (http.client.OK, http.client.ACCEPTED), answer.status
            milliseconds.append(1000 * (time.perf_counter() - begin))
        except (OSError, http.client.HTTPException):
            unanswered += 1
            connection.close()
        if not client.keeps_connection:
            connection.close()
        time.sleep(PAUSE_SECONDS)
    connection.close()
    return Waited(len(milliseconds), unanswered, *p50_p99(milliseconds), max(milliseconds))


def _headers(client: Client) -> Mapping[str, str]:
    return JSON if client.body else {}
