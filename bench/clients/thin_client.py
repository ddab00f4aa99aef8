"""Connections that stay open and send the next request after each response; responses are not parsed.

The client shares the cores with the server, so it does as little as it can.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from statistics import quantiles
from urllib.parse import urlsplit

from bench.measures.cpu_use import CpuUse

CONNECTIONS = 8


@dataclass(frozen=True)
class Answers:
    """The responses of one stretch of time."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_cores: float  # that all of our Gunicorn processes had together


def ask_for_a_while(
    url: str, paths: Sequence[str], status: int, seconds: float, headers: Mapping[str, str] | None = None
) -> Answers:
    """Let each connection request the paths, from a position of its own; each response must have
    the status.
    """
    use, begin = CpuUse(), time.perf_counter()
    askers = [
        Asker(url, _from(paths, number), status, begin + seconds, headers or {})
        for number in range(CONNECTIONS)
    ]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        milliseconds = [each for times in threads.map(Asker.run, askers) for each in times]
    passed = time.perf_counter() - begin
    p50, p99 = p50_p99(milliseconds)
    return Answers(len(milliseconds) / passed, p50, p99, use.seconds_by_part()["api"] / passed)


def p50_p99(values: Sequence[float]) -> tuple[float, float]:
    """Return both percentiles; there must be two values or more."""
    percentiles = quantiles(values, n=100, method="inclusive")
    return percentiles[49], percentiles[98]


@dataclass(frozen=True)
class Asker:
    """One connection."""

    url: str
    paths: Iterator[str]
    status: int
    end: float
    headers: Mapping[str, str]
    milliseconds: list[float] = field(default_factory=list)

    def run(self) -> list[float]:
        """Return the duration of each response."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        while (begin := time.perf_counter()) < self.end:
            connection.request("GET", next(self.paths), headers=dict(self.headers))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == self.status, answer.status
            self.milliseconds.append(1000 * (time.perf_counter() - begin))
        connection.close()
        return self.milliseconds


def _from(paths: Sequence[str], connection: int) -> Iterator[str]:
    first = len(paths) * connection // CONNECTIONS
    return cycle([*paths[first:], *paths[:first]])
