"""What goes wrong between this process and S3, counted as botocore tells of it."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any

from shared.metrics import S3_ERRORS

OPERATIONS = (
    *("PutObject", "GetObject", "HeadObject", "DeleteObject", "DeleteObjects"),
    *("HeadBucket", "ListObjectsV2", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"),
)
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class Reason(StrEnum):
    UNREACHABLE = "unreachable"  # no answer, or none in time
    SERVER = "server"  # 5xx, also "slow down"
    REFUSED = "refused"  # the key, the bucket's policy or the clock is wrong
    BROKEN = "broken"  # the answer ended too early


def count_errors(client: Any) -> None:
    """Counts the errors of a botocore client from now on. What is not there (404) is no error."""
    for operation in OPERATIONS:
        for reason in set(Reason) - {Reason.BROKEN}:
            S3_ERRORS.labels(operation, reason)
    S3_ERRORS.labels("GetObject", Reason.BROKEN)
    client.meta.events.register("after-call.s3", _count_answer)
    client.meta.events.register("after-call-error.s3", _count_silence)


def count_broken_body() -> None:
    """The head of an answer came, and not all of its body: botocore has no event for that."""
    S3_ERRORS.labels("GetObject", Reason.BROKEN).inc()


def _count_answer(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        S3_ERRORS.labels(model.name, Reason.SERVER).inc()
    elif http_response.status_code in REFUSED:
        S3_ERRORS.labels(model.name, Reason.REFUSED).inc()


def _count_silence(event_name: str, **_: Any) -> None:
    S3_ERRORS.labels(event_name.rpartition(".")[2], Reason.UNREACHABLE).inc()
