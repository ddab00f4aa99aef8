"""Polling of jobs and batches: ETag, If-None-Match, ?wait= and Retry-After."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar

from flask import Response
from pydantic import BaseModel, Field

from api.access.auth import current_owner
from api.http.request_in_hand import current_request
from api.services import services
from api.telemetry.request_metrics import note_held
from shared.store.notifications import Versioned
from shared.wire.records import QueueView

MAX_WAIT_SECONDS = 60
MAX_DIGITS = 18
SHORTEST_POLL_SECONDS, LONGEST_POLL_SECONDS = 1, 30
POLL_SECONDS = 5  # without a forecast

Record = TypeVar("Record", bound=Versioned)
Wait = Callable[[int | None, float], Record]


class Query(BaseModel):
    """A route's query. Its schema is cached, because the extension asks for it at each request."""

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        return _schema(cls, arguments, tuple(options.items()))


@cache
def _schema(
    query: type[Query], arguments: tuple[Any, ...], options: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    return super(Query, query).model_json_schema(*arguments, **dict(options))


class WaitQuery(Query):
    wait: int = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        description="Seconds to hold the request until the end, or with If-None-Match until the next change. "
        "If the service already holds as many requests as it can, it responds at once.",
    )


def held(wait_seconds: int, wait: Wait[Record], look: Callable[[], Record]) -> Record:
    """Return the record now, or wait for its change if the client asked to and a place is free."""
    if not wait_seconds:
        return look()
    parts, owner = services(), current_owner()
    if not parts.held_places.take(owner):
        return look()
    note_held()
    try:
        return wait(seen_seq(), min(wait_seconds, parts.settings.max_wait_seconds))
    finally:
        parts.held_places.give_back(owner)


def record_response(
    record: Record,
    body: Callable[[Record, QueueView | None], bytes],
    queue: QueueView | None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    """Return a response with the record and its ETag; 304 without a body if the client has this version."""
    headers = [("ETag", f'W/"{record.seq}"'), ("Cache-Control", "private, no-cache")]
    if not record.finished:
        headers.append(("Retry-After", str(poll_seconds(queue))))
    if status is HTTPStatus.OK and current_request().method == "GET" and seen_seq() == record.seq:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body(record, queue), status, headers, content_type="application/json")


def poll_seconds(queue: QueueView | None) -> int:
    """Return the seconds until the next poll: for a waiting job, half of its expected time."""
    if queue is None:
        return SHORTEST_POLL_SECONDS
    if queue.eta_seconds is None:
        return POLL_SECONDS
    return min(max(ceil(queue.eta_seconds.p50 / 2), SHORTEST_POLL_SECONDS), LONGEST_POLL_SECONDS)


def seen_seq() -> int | None:
    """Return the version in If-None-Match, or None."""
    current = current_request()
    if "HTTP_IF_NONE_MATCH" not in current.environ:
        return None
    version = next(iter(current.if_none_match.as_set(include_weak=True)), "")
    return number_of(version)


def number_of(text: str) -> int | None:
    """Return the number in a header; None if it is malformed or has too many digits."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None
