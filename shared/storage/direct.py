"""Requests for one object without botocore's client, which spends three times their CPU time on each."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.utils import percent_encode
from urllib3.exceptions import HTTPError as BrokenBody

from shared.storage.http_session import http_session
from shared.storage.requester_pays import payer_headers

SOME_KEY = "key"
AGENT = {"User-Agent": "stylequeue"}
BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class BucketAddress:
    """The URL of a bucket's objects without their keys, and the region that requests are signed for."""

    url: str
    region: str


class DirectRequests:
    """Sends a request once, and returns its result only for a clear success. Threads may share it.

    For anything else the caller asks botocore's client, which retries, follows a bucket to its region and
    names the error. botocore signs these requests too, and its client says where a bucket is.
    """

    def __init__(self, client: Any, credentials: Any, requester_pays: Collection[str] = ()) -> None:
        """`client` is botocore's; `credentials` is None if there are none."""
        self._client = client
        self._credentials = credentials
        self._requester_pays = requester_pays
        self._session = http_session(client.meta.endpoint_url)
        self._addresses: dict[str, BucketAddress | None] = {}

    def get(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        """Return an object of at most `max_bytes`, or None unless it came whole with status 200."""
        headers = payer_headers(bucket, self._requester_pays)
        answer = self._send("GET", bucket, key, headers=headers)
        if answer is None:
            return None
        length = answer.headers.get("content-length", "")
        size = int(length) if length.isdecimal() else max_bytes + 1
        try:
            body = bytes(answer.raw.read()) if size <= max_bytes else b""
        except BrokenBody:
            return None
        finally:
            answer.raw.close()
        return body if len(body) == size else None

    def put(self, bucket: str, key: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Write an object. Return whether that succeeded; an error may hide in a 200 with a body."""
        answer = self._send("PUT", bucket, key, body, headers)
        return answer is not None and not answer.content

    def _send(
        self, method: str, bucket: str, key: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the response, or None unless its status is 200. The body of a GET is not yet read."""
        try:
            address = self._address(bucket)
            if address is None:
                return None
            url = address.url + percent_encode(key, safe="/~")
            request = AWSRequest(
                method, url, {**AGENT, **(headers or {})}, body, stream_output=method == "GET"
            )
            request.context["client_config"] = self._client.meta.config
            keys = self._credentials.get_frozen_credentials()  # renewed before they expire
            S3SigV4Auth(keys, "s3", address.region).add_auth(request)
            answer = self._session.send(request.prepare())
        except BotoCoreError:
            return None
        if answer.status_code == HTTPStatus.OK:
            return answer
        answer.raw.close()
        if answer.headers.get("x-amz-bucket-region", address.region) != address.region:
            self._addresses[bucket] = None  # botocore's client follows the bucket to its region
        if answer.status_code in BUSY:
            time.sleep(random.random())  # noqa: S311 - jitter, like botocore's before its first retry
        return None

    def _address(self, bucket: str) -> BucketAddress | None:
        if self._credentials and bucket not in self._addresses:
            url = self._client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": SOME_KEY})
            self._addresses[bucket] = address_of(url)
        return self._addresses.get(bucket)


def address_of(presigned_url: str) -> BucketAddress | None:
    """Return where SOME_KEY is; None if the bucket takes other signatures, like those of S3 Express."""
    url, _, query = presigned_url.partition("?")
    *_, region, service, _ = parse_qs(query)["X-Amz-Credential"][0].split("/")
    return BucketAddress(url.removesuffix(SOME_KEY), region) if service == "s3" else None
