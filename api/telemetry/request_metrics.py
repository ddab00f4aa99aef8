"""Metrics of requests by route. Labels are routes and never paths, which a client could multiply."""

from __future__ import annotations

import time
from functools import lru_cache

from flask import Flask, Response
from prometheus_client import Gauge, Histogram

from api.http.request_in_hand import current_request
from shared.telemetry.metrics import REGISTRY

NO_ROUTE = "none"  # for paths without a route
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"  # a client may send any word
BEGAN_AT, HELD = "stylequeue.began_at", "stylequeue.held"  # in the environment of a request (PEP 3333)

REQUEST_SECONDS = Histogram(
    "stylequeue_api_request_seconds",
    "Time until the first byte of a response. Held requests are not counted.",
    ["method", "route", "status"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
HELD_SECONDS = Histogram(
    "stylequeue_api_held_request_seconds",
    "Time for which requests with ?wait= were held until something changed.",
    buckets=(0.3, 1, 3, 10, 30, 60),
    registry=REGISTRY,
)
IN_PROGRESS = Gauge(
    "stylequeue_api_requests_in_progress",
    "Requests that the processes of this API work on or hold.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)


def note_held() -> None:
    """Note that the current request waits because its client asked for it."""
    current_request().environ[HELD] = True


def register_request_metrics(app: Flask) -> None:
    """Register the hooks before those of other modules, so that refusals are counted too."""
    app.before_request(_begin)
    app.after_request(_observe)
    app.teardown_request(_end)


def _begin() -> None:
    current_request().environ[BEGAN_AT] = time.perf_counter()
    IN_PROGRESS.inc()


def _observe(response: Response) -> Response:
    current = current_request()
    began_at = current.environ.get(BEGAN_AT)
    if began_at is not None:
        seconds = time.perf_counter() - began_at
        route = current.url_rule.rule if current.url_rule else NO_ROUTE
        held = HELD in current.environ
        _histogram(route, current.method, response.status_code // 100, held).observe(seconds)
    return response


def _end(_: BaseException | None) -> None:
    """Count the request's end once. Flask tears the context of a stream down a second time at its end."""
    if current_request().environ.pop(BEGAN_AT, None) is not None:
        IN_PROGRESS.dec()


@lru_cache(maxsize=1000)
def _histogram(route: str, method: str, status_class: int, held: bool) -> Histogram:
    if held:
        return HELD_SECONDS
    return REQUEST_SECONDS.labels(method if method in METHODS else OTHER_METHOD, route, f"{status_class}xx")
