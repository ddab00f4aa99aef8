"""The id of each request, which its client may choose, and its span in a trace."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Request, Response, g
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.access.auth import caller
from api.http.request_in_hand import current_request
from api.telemetry.probes import PROBES
from shared.ids import is_id
from shared.request_context import Origin, request_id_of
from shared.telemetry.trace_context import TraceContext, parse_trace_context
from shared.telemetry.tracing import current_trace, describe, span, tracing_is_on

REQUEST_ID = "X-Request-Id"
FAILED = 500  # statuses from here on are the service's fault


def current_origin() -> Origin | None:
    """Return the current request's id, its trace with the current span if there is one, and its key."""
    found: Origin | None = g.get("origin")
    sender = caller()
    news = {"trace": current_trace(), "key_id": sender and sender.key_id}
    return found and found.model_copy(update={name: new for name, new in news.items() if new})


def register_request_ids(app: Flask) -> None:
    """Register the hooks before those of other modules, so that every response and log line has the id."""
    app.before_request(_begin)
    app.after_request(_answer)
    if tracing_is_on():
        app.teardown_request(lambda _: _end_span())


def _begin() -> None:
    current = current_request()
    sent = current.environ  # ten times as fast as `request.headers`
    parent = sent.get("HTTP_TRACEPARENT")
    trace = parse_trace_context(parent, sent.get("HTTP_TRACESTATE")) if parent else None
    request_id = request_id_of(sent.get("HTTP_X_REQUEST_ID"))
    _begin_span(current, trace, request_id)
    g.origin = origin = Origin(request_id=request_id, trace=current_trace() or trace)
    records = {name: text for name, text in (current.view_args or {}).items() if is_id(text)}
    clear_contextvars()
    bind_contextvars(**origin.members(), **records)


def _answer(response: Response) -> Response:
    """Add the id to the response and end the span; that of a streamed response ends at its first byte."""
    origin: Origin | None = g.get("origin")
    if origin:
        response.headers[REQUEST_ID] = origin.request_id
        if tracing_is_on():
            describe(failed=response.status_code >= FAILED, http__response__status_code=response.status_code)
            _end_span()
    return response


def _begin_span(request: Request, trace: TraceContext | None, request_id: str) -> None:
    if tracing_is_on() and request.endpoint not in PROBES:
        route = request.url_rule.rule if request.url_rule else None
        g.request_span = ExitStack()
        g.request_span.enter_context(
            span(
                f"{request.method} {route}" if route else request.method,
                "server",
                parent=trace,
                http__request__method=request.method,
                http__route=route,
                stylequeue__request_id=request_id,
            )
        )


def _end_span() -> None:
    if "request_span" in g:
        g.request_span.close()
