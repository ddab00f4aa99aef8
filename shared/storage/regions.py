"""The regions of buckets, as S3 names them when it refuses a request that was signed for another region."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import structlog

from shared.errors import StorageUnavailable
from shared.settings import PREFIX

HEADER = "x-amz-bucket-region"
ELSEWHERE = {"AuthorizationHeaderMalformed", "PermanentRedirect", "301", "307"}
REFUSALS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.BAD_REQUEST,
}


class BucketRegions:
    """Notes which of the buckets are in another region than the setting says, and warns of each once.

    botocore follows a bucket to its region, with one more request for each process and client. Presigned URLs
    do not follow: clients get them signed for the region of the setting. `buckets` have such URLs.
    """

    def __init__(self, region: str, buckets: Collection[str]) -> None:
        self._region = region
        self._buckets = buckets
        self._named: dict[str, str] = {}

    def watch(self, client: Any) -> None:
        client.meta.events.register_first("needs-retry.s3", self._look)

    def check(self, bucket: str) -> None:
        """Raise StorageUnavailable if S3 has named another region for the bucket."""
        if bucket in self._named:
            raise StorageUnavailable(elsewhere(bucket, self._named[bucket]))

    def _look(
        self, request_dict: Mapping[str, Any], response: tuple[Any, Mapping[str, Any]] | None, **_: Any
    ) -> None:
        if response is None or response[1]["ResponseMetadata"]["HTTPStatusCode"] not in REFUSALS:
            return
        region, bucket = region_of(response[1]), request_dict["context"].get("s3_redirect", {}).get("bucket")
        if region not in {"", self._region} and bucket in self._buckets and bucket not in self._named:
            self._named[bucket] = region
            structlog.get_logger().warning(
                "bucket in another region", bucket=bucket, region=region, setting=f"{PREFIX}S3_REGION"
            )


def region_of(response: Mapping[str, Any]) -> str:
    """Return the region that a response names; empty if it names none."""
    header = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(HEADER)
    return str(header or response.get("Error", {}).get("Region", ""))


def elsewhere(bucket: str, region: str) -> str:
    """Return the sentence for a bucket in another region than the setting says."""
    where = (
        f"the region '{region}'; set {PREFIX}S3_REGION={region}"
        if region
        else f"another region than {PREFIX}S3_REGION"
    )
    return f"The bucket '{bucket}' is in {where}"
