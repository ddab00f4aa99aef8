"""Buckets whose owner lets those pay who read from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

HEADERS = {"x-amz-request-payer": "requester"}
READS = ("GetObject", "HeadObject", "ListObjectsV2")


def pay_for(client: Any, buckets: Collection[str]) -> None:
    """Let the client agree to pay for each read from these buckets; S3 refuses others with 403."""

    def agree(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return params | ({"RequestPayer": "requester"} if params.get("Bucket") in buckets else {})

    for operation in READS if buckets else ():
        client.meta.events.register(f"provide-client-params.s3.{operation}", agree)


def payer_headers(bucket: str, buckets: Collection[str]) -> Mapping[str, str]:
    """Return the headers of a read that goes around the client."""
    return HEADERS if bucket in buckets else {}
