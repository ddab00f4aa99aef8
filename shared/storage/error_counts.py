"""Counters of failed S3 requests, by operation and reason, fed by botocore's events."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from shared.telemetry.metrics import S3_ERRORS

OPERATIONS = (
    *("PutObject", "GetObject", "HeadObject", "DeleteObject", "DeleteObjects"),
    *("HeadBucket", "ListObjectsV2", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"),
)
SERVER_CODES = {"InternalError", "ServiceUnavailable", "SlowDown"}  # of one key among many


class Reason(StrEnum):
    UNREACHABLE = "unreachable"  # no response, or none in time
    SERVER = "server"  # 5xx, also "slow down"
    REFUSED = "refused"  # the key, the bucket's policy, the clock or the request itself is wrong
    BROKEN = "broken"  # the response ended too early


def count_errors(client: Any) -> None:
    """Count the errors of a botocore client from now on. A missing object (404) is not an error."""
    for operation in OPERATIONS:
        for reason in set(Reason) - {Reason.BROKEN}:
            S3_ERRORS.labels(operation, reason)
    S3_ERRORS.labels("GetObject", Reason.BROKEN)
    client.meta.events.register("after-call.s3", _count_answer)
    client.meta.events.register("after-call-error.s3", _count_error)


def count_broken_body() -> None:
    """Count a response whose body ended early, for which botocore has no event."""
    S3_ERRORS.labels("GetObject", Reason.BROKEN).inc()


def count_status(operation: str, status: int) -> None:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        S3_ERRORS.labels(operation, Reason.SERVER).inc()
    elif status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.NOT_FOUND:
        S3_ERRORS.labels(operation, Reason.REFUSED).inc()


def count_silence(operation: str) -> None:
    S3_ERRORS.labels(operation, Reason.UNREACHABLE).inc()


def _count_answer(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Count a failed request, and each key that a successful DeleteObjects kept."""
    count_status(model.name, http_response.status_code)
    for error in parsed.get("Errors", ()):
        reason = Reason.SERVER if error.get("Code") in SERVER_CODES else Reason.REFUSED
        S3_ERRORS.labels(model.name, reason).inc()


def _count_error(event_name: str, **_: Any) -> None:
    count_silence(event_name.rpartition(".")[2])
