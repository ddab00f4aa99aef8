"""What each request is known by: an id that its client may choose, and its place in a client's trace."""

from __future__ import annotations

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from shared.ids import is_id
from shared.origin import Origin, request_id_of
from shared.trace_context import parse_trace_context

REQUEST_ID = "X-Request-Id"


def current_origin() -> Origin | None:
    """What records of the request in hand keep of it."""
    found: Origin | None = g.get("origin")
    return found


def register_request_ids(app: Flask) -> None:
    """Before all else that happens to a request, so that every answer and every line has its id."""
    app.before_request(_begin)
    app.after_request(_answer)


def _begin() -> None:
    headers = request.headers
    parent = headers.get("traceparent")
    trace = parse_trace_context(parent, headers.get("tracestate")) if parent else None
    g.origin = Origin(request_id=request_id_of(headers.get(REQUEST_ID)), trace=trace)
    records = {name: text for name, text in (request.view_args or {}).items() if is_id(text)}
    clear_contextvars()
    bind_contextvars(**g.origin.members(), **records)


def _answer(response: Response) -> Response:
    origin = current_origin()
    if origin:
        response.headers[REQUEST_ID] = origin.request_id
    return response
