"""Measure the requests a second that one API process of the local stack serves: polls and submissions.

The client shares the cores, so it does little: its connections stay open, and it parses no response.
"""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.measures.cpu_use import CpuUse

CONNECTIONS = 8
SECONDS = 2.0
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class ApiRates:
    """Requests per second, and the cores that the API process used meanwhile."""

    gets: float
    posts: float
    cores_at_get: float
    cores_at_post: float


def measure_api(url: str, job_id: str, job: str) -> ApiRates:
    gets, cores_at_get = _rate(url, "GET", f"/v1/jobs/{job_id}", None)
    posts, cores_at_post = _rate(url, "POST", "/v1/jobs", job)
    return ApiRates(gets, posts, cores_at_get, cores_at_post)


def _rate(url: str, method: str, path: str, body: str | None) -> tuple[float, float]:
    use, begin = CpuUse(), time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        answered = sum(threads.map(lambda _: _ask_for_a_while(url, method, path, body), range(CONNECTIONS)))
    seconds = time.perf_counter() - begin
    return answered / seconds, use.seconds_by_part()["api"] / seconds


def _ask_for_a_while(url: str, method: str, path: str, body: str | None) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    answered, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        connection.request(method, path, body, JSON if body else {})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (http.client.OK, http.client.ACCEPTED), answer.status
        answered += 1
    connection.close()
    return answered
