"""Presigned requests that are sent once; botocore's client would repeat them."""

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
    """Keeps its connections and counts failures, like botocore's client. Threads may share it."""

    def __init__(self, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS) -> None:
        """Set the time limits: seconds to connect and seconds to read."""
        ca_bundle = botocore.session.Session().get_config_variable("ca_bundle")  # like botocore's client
        self._session = URLLib3Session(verify=ca_bundle or True, timeout=timeout_seconds)

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
            raise StorageUnavailable(f"The storage responds {refusal.code}")
        if skewed := clock_error(status, {"Code": refusal.code}, answer.headers):
            raise skewed
        return refusal
