"""How long requests take, by route; the labels are routes and never paths."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import Gauge, Histogram

from shared.metrics import REGISTRY

NO_ROUTE = "none"  # of all paths that lead nowhere
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"  # a client may send any word

REQUEST_SECONDS = Histogram(
    "stylequeue_api_request_seconds",
    "Time to answer a request, to the first byte of its body; without requests that were held.",
    ["method", "route", "status"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
HELD_SECONDS = Histogram(
    "stylequeue_api_held_request_seconds",
    "Time for which requests with ?wait= were held until something changed.",
    ["route"],
    buckets=(0.3, 1, 3, 10, 30, 60),
    registry=REGISTRY,
)
IN_PROGRESS = Gauge(
    "stylequeue_api_requests_in_progress",
    "Requests that the processes of this API answer or hold.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)


def note_held() -> None:
    """The request in hand waits because its client wants it to."""
    g.held = True


def register_request_metrics(app: Flask) -> None:
    """Before everything else that looks at requests, so that refusals are counted too."""
    app.before_request(_begin)
    app.after_request(_observe)
    app.teardown_request(_end)


def _begin() -> None:
    g.began_at = time.perf_counter()
    IN_PROGRESS.inc()


def _observe(response: Response) -> Response:
    if "began_at" in g:
        seconds = time.perf_counter() - g.began_at
        if "held" in g:
            HELD_SECONDS.labels(_route()).observe(seconds)
        else:
            status = f"{response.status_code // 100}xx"
            REQUEST_SECONDS.labels(_method(), _route(), status).observe(seconds)
    return response


def _end(_: BaseException | None) -> None:
    if "began_at" in g:
        IN_PROGRESS.dec()


def _route() -> str:
    return request.url_rule.rule if request.url_rule else NO_ROUTE


def _method() -> str:
    return request.method if request.method in METHODS else OTHER_METHOD
