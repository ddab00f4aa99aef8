"""Requests with their signature in the URL: each is sent once, where botocore's client would repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from shared.errors import StorageUnavailable
from shared.storage.clock import clock_error
from shared.storage.error_counts import count_silence, count_status
from shared.storage.refusal import S3Refusal, refusal_of

TIMEOUT_SECONDS = (3.0, 20.0)


class OnceSession:
    """Keeps its connections; any thread may use it. Counts what fails, as the client does."""

    def __init__(self, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS) -> None:
        """The seconds are those to connect and to read."""
        ca_bundle = botocore.session.Session().get_config_variable("ca_bundle")  # as the client does
        self._session = URLLib3Session(verify=ca_bundle or True, timeout=timeout_seconds)

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> S3Refusal | None:
        """Return why S3 refused, or None if it did as it was told; `operation` is S3's name for the request.

        Raises:
            StorageUnavailable, ClockSkewed: S3 could not do it, or refuses all that this machine signs.
            BotoCoreError: there was no answer.
        """
        request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body).prepare()
        try:
            answer = self._session.send(request)
        except BotoCoreError:
            count_silence(operation)
            raise
        status = answer.status_code
        count_status(operation, status)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        refusal = refusal_of(answer.content) or S3Refusal(str(status), "")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StorageUnavailable(f"The storage answers {refusal.code}")
        if skewed := clock_error(status, {"Code": refusal.code}, answer.headers):
            raise skewed
        return refusal
