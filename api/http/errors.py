"""Translation of errors into problem+json (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import structlog
from flask import Flask, Response
from gunicorn.http.errors import ParseException
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException

from api.telemetry.request_ids import current_origin
from shared.errors import (
    PermanentError,
    StorageForbidden,
    StorageUnavailable,
    StyleQueueError,
    TransientError,
)
from shared.redaction import shortened
from shared.request_errors import (
    BatchRejected,
    BodyTooLarge,
    IdempotencyInProgress,
    InvalidParameter,
    MalformedJson,
    RateLimited,
    RequestError,
    Unauthenticated,
    UnsupportedMediaType,
)
from shared.wire.records import InvalidMember, Problem
from shared.wire.sentences import pointer_of, problems_of, sentence_of

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 5
MOST_ERRORS = 100  # in one response
COME_LATER = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
CODES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge.code,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: UnsupportedMediaType.code,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidParameter.code,
}


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(RequestError, _request_error)
    app.register_error_handler(Unauthenticated, _unauthenticated)
    app.register_error_handler(BatchRejected, _batch_rejected)
    app.register_error_handler(RateLimited, _rate_limited)
    app.register_error_handler(ValidationError, validation_problem)
    app.register_error_handler(TransientError, _unavailable)
    app.register_error_handler(PermanentError, _storage_misconfigured)
    app.register_error_handler(StorageForbidden, _storage_misconfigured)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, _malformed_body)
    app.register_error_handler(Exception, _internal_error)


def validation_problem(error: ValidationError) -> Response:
    """Return pydantic's errors as a problem, each with its pointer. The first one is also its detail."""
    found = Invalid.of(error)
    if found.malformed:
        return _request_error(MalformedJson(found.first.detail))
    where = f"{found.first.pointer}: " if found.first.pointer else ""
    return _problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        InvalidParameter.code,
        where + found.first.detail,
        pointer=found.first.pointer,
        errors=found.members,
    )


@dataclass(frozen=True)
class Invalid:
    """The first errors that pydantic found, in the order of the request, each cut to a bounded length."""

    members: tuple[InvalidMember, ...]
    malformed: bool  # the text is not JSON

    @classmethod
    def of(cls, error: ValidationError, most: int = MOST_ERRORS) -> Self:
        found = problems_of(error)[:most]
        members = tuple(
            InvalidMember(
                pointer=shortened(pointer_of(problem["loc"])),
                detail=shortened(sentence_of(problem, error.title)),
            )
            for problem in found
        )
        return cls(members, malformed=found[0]["type"] == "json_invalid")

    @property
    def first(self) -> InvalidMember:
        return self.members[0]


def _request_error(error: RequestError) -> Response:
    return _problem(error.status, error.code, error.detail, pointer=error.pointer)


def _unauthenticated(error: Unauthenticated) -> Response:
    response = _request_error(error)
    response.headers["WWW-Authenticate"] = 'Bearer realm="stylequeue"'  # RFC 6750, 3
    return response


def _rate_limited(error: RateLimited) -> Response:
    response = _request_error(error)
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _batch_rejected(error: BatchRejected) -> Response:
    members = tuple(InvalidMember(pointer=pointer, detail=detail) for pointer, detail in error.lines)
    return _problem(error.status, error.code, error.detail, errors=members)


def _unavailable(error: TransientError) -> Response:
    structlog.get_logger().warning("unavailable", code=error.code, detail=error.detail)
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.detail)


def _storage_misconfigured(error: StyleQueueError) -> Response:
    """Respond that the service's own bucket is missing or closed, which only an operator can repair."""
    structlog.get_logger().error("storage misconfigured", code=error.code, detail=error.detail)
    return _problem(
        HTTPStatus.SERVICE_UNAVAILABLE, StorageUnavailable.code, "The storage does not let the service in"
    )


def _malformed_body(_: ParseException) -> Response:
    """Respond to a request whose chunked body Gunicorn cannot read."""
    return _http_error(BadRequest("The body's chunks are malformed (RFC 9112, section 7.1)"))


def _http_error(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    code = CODES.get(status, status.phrase.lower().replace(" ", "-"))
    response = _problem(status, code, error.description or status.phrase)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _internal_error(error: Exception) -> Response:
    structlog.get_logger().error("request failed", exc_info=error)
    return _problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "The service failed; its log says why"
    )


def _problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    pointer: str | None = None,
    errors: tuple[InvalidMember, ...] = (),
) -> Response:
    origin = current_origin()
    problem = Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        pointer=pointer,
        errors=errors,
        request_id=origin and origin.request_id,
    )
    response = Response(problem.model_dump_json(), status, mimetype=PROBLEM_JSON)
    if status in COME_LATER or code == IdempotencyInProgress.code:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
