"""HTTP responses, turned into records of the service or errors of the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from client.errors import (
    RequestRefused,
    ServiceBusy,
    ServiceUnavailable,
    StyleQueueClientError,
    UnexpectedAnswer,
)
from shared.redaction import shown_url
from shared.storage.refusal import S3Refusal, refusal_of
from shared.wire.records import InvalidMember
from shared.wire.sentences import pointer_of, problems_of, sentence_of

Record = TypeVar("Record", bound=BaseModel)

BUSY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
S3_FAILED = "InternalError"  # code of a 500 of S3, whose documentation says to try again
NO_GOOD_KEY = "unauthenticated"  # code of a 401
STILL_ACCEPTING = "idempotency-in-progress"  # code of a 409: the same request is being accepted


def parsed(model: type[Record], answer: httpx.Response) -> Record:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise UnexpectedAnswer(
            f"{_origin(answer)} does not respond like a stylequeue service ({reason})"
        ) from error


def parsed_line(model: type[Record], line: bytes) -> Record:
    """Return the record in a line of NDJSON."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise UnexpectedAnswer(f"a line of the response is not a {model.__name__} ({reason})") from error


def error_of(response: httpx.Response, *, repeatable: bool) -> StyleQueueClientError:
    """Return the error for a response outside 2xx; `repeatable` says that sending twice does no harm."""
    problem, refusal = problem_of(response), refusal_of(response.content)
    detail = str(problem.get("detail") or problem.get("title") or _status_line(response, refusal))
    if response.is_redirect:
        place = shown_url(response.headers.get("location") or "elsewhere")
        return UnexpectedAnswer(f"{_origin(response)} redirects to {place}; is the URL right?")
    code = str(problem.get("code") or (refusal.code if refusal else f"http-{response.status_code}"))
    later = retry_after_seconds(response)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or code == STILL_ACCEPTING:
        return ServiceBusy(detail, code=code, retry_after_seconds=later)
    if code == NO_GOOD_KEY:
        detail = f"{detail}. Give a key with --api-key or STYLEQUEUE_API_KEY, or as api_key= from Python"
    if response.status_code not in BUSY and code != S3_FAILED:
        return RequestRefused(response.status_code, code, detail, problem.get("pointer"), _members(problem))
    # If the service itself wrote the 503, it accepted nothing.
    refused = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and bool(problem)
    return ServiceUnavailable(
        detail, code=code, retry_after_seconds=later, safe_to_repeat=repeatable or refused
    )


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the members of an `application/problem+json` response (RFC 9457); empty for any other."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _members(problem: dict[str, Any]) -> list[InvalidMember]:
    """Return the problem's `errors`; empty if they are malformed."""
    try:
        return TypeAdapter(list[InvalidMember]).validate_python(problem.get("errors", []))
    except ValidationError:
        return []


def retry_after_seconds(response: httpx.Response) -> float | None:
    """Return the header Retry-After, which is a number of seconds or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


@contextmanager
def refusing_what_the_model_refuses() -> Iterator[None]:
    """Raise RequestRefused for what the model refuses, because the service validates with the same model."""
    try:
        yield
    except ValidationError as error:
        first = problems_of(error)[0]
        sentence, pointer = sentence_of(first, error.title), pointer_of(first["loc"])
        raise RequestRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter", sentence, pointer
        ) from None


def _status_line(response: httpx.Response, refusal: S3Refusal | None) -> str:
    status = f"{_origin(response)} responded {response.status_code} {response.reason_phrase}".rstrip()
    return f"{status} ({refusal})" if refusal else status


def _origin(response: httpx.Response) -> str:
    """Return scheme, host and port. The query of a presigned URL is a secret."""
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
