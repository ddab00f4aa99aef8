"""Presigned requests that are sent once; botocore's client would repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import BotoCoreError

from shared.errors import StorageUnavailable
from shared.storage.clock import clock_error
from shared.storage.error_counts import count_silence, count_status
from shared.storage.http_session import TIMEOUT_SECONDS, http_session
from shared.storage.refusal import S3Refusal, refusal_of


class OnceSession:
    """Keeps its connections and counts failures, like botocore's client. Threads may share it."""

    def __init__(self, endpoint_url: str, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS) -> None:
        """Set the time limits: seconds to connect and seconds to read."""
        self._session = http_session(endpoint_url, timeout_seconds)

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> S3Refusal | None:
        """Return why S3 refused, or None on success; `operation` is S3's name for the request.

        Raises:
            StorageUnavailable: S3 had a server error.
            ClockSkewed: S3 refuses every signature of this machine, because the clocks differ.
            BotoCoreError: there was no response.
        """
        answer = self._answer(operation, AWSRequest(method, url, dict(headers or {}), body))
        return _refusal(answer)

    def beginning(self, url: str, count: int) -> bytes | S3Refusal:
        """Return at most the first `count` bytes of an object, or why S3 refused; raise as `send` does."""
        headers = {"Range": f"bytes=0-{count - 1}"}
        answer = self._answer("GetObject", AWSRequest("GET", url, headers, stream_output=True))
        try:
            return _refusal(answer) or bytes(answer.raw.read(count))
        finally:
            answer.raw.close()  # a server that ignores the range would send all of it

    def _answer(self, operation: str, request: AWSRequest) -> AWSResponse:
        try:
            answer = self._session.send(request.prepare())
        except BotoCoreError:
            count_silence(operation)
            raise
        count_status(operation, answer.status_code)
        return answer


def _refusal(answer: AWSResponse) -> S3Refusal | None:
    status = answer.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    refusal = refusal_of(answer.content) or S3Refusal(str(status), "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise StorageUnavailable(f"The storage responds {refusal.code}")
    if skewed := clock_error(status, {"Code": refusal.code}, answer.headers):
        raise skewed
    return refusal
