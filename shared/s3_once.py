"""Requests with their signature in the URL: each is sent once, where botocore's client would repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from shared.s3_errors import count_silence, count_status

TIMEOUT_SECONDS = (3, 20)  # to connect, to read


class OnceSession:
    """Keeps its connections; any thread may use it. Counts what fails, as the client does."""

    def __init__(self) -> None:
        ca_bundle = botocore.session.Session().get_config_variable("ca_bundle")  # as the client does
        self._session = URLLib3Session(verify=ca_bundle or True, timeout=TIMEOUT_SECONDS)

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Any:
        """Return botocore's response, whatever its status; `operation` is S3's name for the request."""
        request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body).prepare()
        try:
            response = self._session.send(request)
        except BotoCoreError:
            count_silence(operation)
            raise
        count_status(operation, response.status_code)
        return response
