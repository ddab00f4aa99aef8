"""Server-sent events with each change of a job or batch; a client that reconnects gets what it missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

from flask import Response, request

from api.http.spec import EVENT_STREAM
from api.views.held_streams import held_stream
from api.views.polling import Wait, number_of
from shared.errors import StyleQueueError
from shared.store.notifications import Versioned

STREAM_SECONDS = 300  # then the client must reconnect, so a dead client's place becomes free
BEAT_SECONDS = 10  # between comments, which detect a closed connection
LEAST_SECONDS_BETWEEN = 0.25  # a batch changes many times a second
RECONNECT_MS = 2000

Record = TypeVar("Record", bound=Versioned)


def events(first: Record, wait: Wait[Record], body: Callable[[Record], bytes], noun: str) -> Response:
    """Stream the record now and after each change, until it has finished; `id` is its version.

    `body` returns the record as JSON.

    With `Last-Event-ID` the client's version is not sent again. A client with the final version gets 204,
    which tells a browser's EventSource not to reconnect.

    Raises:
        TooManyStreams: the process holds its most requests, or its most of this owner.
    """
    seen = number_of(request.headers.get("Last-Event-ID", ""))
    if first.finished and seen == first.seq:
        return Response(status=HTTPStatus.NO_CONTENT)
    response = held_stream(_lines(first, seen, wait, body, noun), EVENT_STREAM)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # else nginx buffers events
    return response


def _lines(
    record: Record, seen: int | None, wait: Wait[Record], body: Callable[[Record], bytes], noun: str
) -> Iterator[str]:
    end = time.monotonic() + STREAM_SECONDS
    yield f"retry: {RECONNECT_MS}\n\n"
    try:
        while True:
            if record.seq != seen:
                yield f"event: {noun}\nid: {record.seq}\ndata: {body(record).decode()}\n\n"
                seen = record.seq
                time.sleep(LEAST_SECONDS_BETWEEN)
            else:
                yield ": waiting\n\n"
            if record.finished or time.monotonic() > end:
                return
            record = wait(seen, BEAT_SECONDS)
    except StyleQueueError:
        return  # the record was deleted, or Redis is down: the client learns it when it reconnects
