"""What each request is known by: an id that its client may choose, and its place in a client's trace."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Request, Response, g
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.http.request_in_hand import current_request
from api.telemetry.probes import PROBES
from shared.ids import is_id
from shared.request_context import Origin, request_id_of
from shared.telemetry.trace_context import TraceContext, parse_trace_context
from shared.telemetry.tracing import current_trace, describe, span, tracing_is_on

REQUEST_ID = "X-Request-Id"
FAILED = 500  # and above: not the client's fault


def current_origin() -> Origin | None:
    """What records of the request in hand keep of it: the span in hand, if there is one."""
    found: Origin | None = g.get("origin")
    trace = current_trace()
    return found.model_copy(update={"trace": trace}) if found and trace else found


def register_request_ids(app: Flask) -> None:
    """Before all else that happens to a request, so that every answer and every line has its id."""
    app.before_request(_begin)
    app.after_request(_answer)
    if tracing_is_on():
        app.teardown_request(lambda _: _end_span())


def _begin() -> None:
    current = current_request()
    sent = current.environ  # a tenth of the time that `request.headers` takes
    parent = sent.get("HTTP_TRACEPARENT")
    trace = parse_trace_context(parent, sent.get("HTTP_TRACESTATE")) if parent else None
    request_id = request_id_of(sent.get("HTTP_X_REQUEST_ID"))
    _begin_span(current, trace, request_id)
    g.origin = origin = Origin(request_id=request_id, trace=current_trace() or trace)
    records = {name: text for name, text in (current.view_args or {}).items() if is_id(text)}
    clear_contextvars()
    bind_contextvars(**origin.members(), **records)


def _answer(response: Response) -> Response:
    """The span of an answer that is streamed ends with its first byte."""
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
