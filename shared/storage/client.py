"""botocore's client as the settings want it, and this project's errors in place of botocore's."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError as BrokenBody

from shared.errors import (
    BucketForbidden,
    ObjectNotFound,
    StorageForbidden,
    StorageUnavailable,
    StyleQueueError,
)
from shared.redaction import shortened
from shared.settings import PREFIX, Settings
from shared.storage.clock import clock_error
from shared.storage.credentials import EXPIRED, NO_CREDENTIALS, expired, not_renewed, s3_session
from shared.storage.error_counts import count_broken_body, count_errors
from shared.storage.regions import ELSEWHERE, elsewhere, region_of
from shared.storage.requester_pays import pay_for

NO_BUCKET = "NoSuchBucket"
NOT_FOUND = {"404", "NoSuchKey", NO_BUCKET, "NotFound"}
BROKEN_BODIES = (BrokenBody, IncompleteReadError, ResponseStreamingError)
FORBIDDEN = {"403", "AccessDenied", "AllAccessDisabled"}
OTHER_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
CHECKSUM_DEMANDED = ("DeleteObjects", "PutBucketLifecycleConfiguration")  # operations that S3 wants one for


def s3_client(
    settings: Settings, endpoint_url: str | None, session: boto3.session.Session | None = None
) -> Any:
    """Return a thread-safe client with the session's credentials, or with those of the settings."""
    client = (session or s3_session(settings)).client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.s3_region,
        config=Config(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            tcp_keepalive=True,
            max_pool_connections=32,
            parameter_validation=False,  # this package makes all parameters
            s3={"addressing_style": _addressing(settings, endpoint_url)},
            # older S3 look-alikes refuse the trailing checksums that boto3 sends by default
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,  # the setting alone says where pictures go
        ),
    )
    for operation in CHECKSUM_DEMANDED:
        client.meta.events.register(f"before-call.s3.{operation}", _send_md5)
    client.meta.events.register_first("before-parse.s3.DeleteObjects", _refuse_other_bodies)
    count_errors(client)
    pay_for(client, settings.s3_requester_pays_buckets)
    return client


def tell_of_ignored_endpoints(settings: Settings) -> None:
    """Log the variables of botocore that name another endpoint than the settings."""
    ignored = [name for name in OTHER_ENDPOINTS if os.environ.get(name)]
    if ignored and settings.s3_endpoint_url is None:
        structlog.get_logger().warning(
            "ignored: pictures go to Amazon S3", ignored=ignored, setting=f"{PREFIX}S3_ENDPOINT_URL"
        )


def _refuse_other_bodies(response_dict: dict[str, Any], **_: Any) -> None:
    """Turn a 200 without S3's list of deleted objects into a 500, which botocore retries.

    Proxies and look-alikes send an empty body or a page. botocore reads both as "everything is deleted".
    """
    if response_dict["status_code"] == HTTPStatus.OK and b"<DeleteResult" not in response_dict["body"]:
        response_dict.update(status_code=HTTPStatus.INTERNAL_SERVER_ERROR.value, body=b"")


def _send_md5(params: dict[str, Any], **_: Any) -> None:
    """Send Content-MD5 in place of botocore's CRC32: every S3 server takes it, and older ones demand it."""
    params["context"].pop("checksum", None)
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()


def encryption(settings: Settings) -> dict[str, str]:
    """Return the parameters of a write that make the server encrypt the object; empty without encryption."""
    if settings.s3_sse == "none":
        return {}
    key_id = {"SSEKMSKeyId": settings.s3_sse_kms_key_id} if settings.s3_sse_kms_key_id else {}
    return {"ServerSideEncryption": settings.s3_sse, **key_id}


def _addressing(settings: Settings, endpoint_url: str | None) -> str:
    """Return botocore's addressing style.

    botocore's own "auto" does not fit. It puts the bucket into the host's name, which few look-alikes serve.
    On Amazon it signs URLs for the host without a region, which serves neither new buckets nor opt-in
    regions. "virtual" takes the region's host, and the path for a bucket whose name cannot be a host's.
    """
    if settings.s3_addressing == "auto":
        return "path" if endpoint_url else "virtual"
    return settings.s3_addressing


@contextmanager
def translated_errors(bucket: str, key: str, *, own: bool = False) -> Iterator[None]:
    """Raise this project's errors in place of botocore's.

    `own` says that it is the service's bucket. What it lacks is a transient error, because an operator can
    make the bucket and grant rights at any time.
    """
    try:
        yield
    except ClientError as error:
        if own and _is_no_bucket(error, key):
            raise StorageUnavailable(
                f"The storage has no bucket '{bucket}'; 'stylequeue storage setup' makes it"
            ) from error
        raise _translated(error, bucket, key, own=own) from error
    except NoCredentialsError as error:
        raise StorageUnavailable(NO_CREDENTIALS) from error
    except (CredentialRetrievalError, RuntimeError) as error:
        if sentence := not_renewed(error):
            raise StorageUnavailable(sentence) from error
        raise
    except (BotoCoreError, HTTPClientError, BrokenBody) as error:
        if isinstance(error, BROKEN_BODIES):
            count_broken_body()
        raise StorageUnavailable(f"The storage does not respond ({type(error).__name__})") from error


def _is_no_bucket(error: ClientError, key: str) -> bool:
    """Return whether S3 has no such bucket.

    The response to HEAD has no error code; a HEAD without a key asked for a bucket.
    """
    return error_code(error) == NO_BUCKET or (not key and error_code(error) in NOT_FOUND)


def _translated(error: ClientError, bucket: str, key: str, *, own: bool) -> StyleQueueError:
    code, answer = error_code(error), error.response.get("ResponseMetadata", {})
    name = shortened(f"s3://{bucket}/{key}")
    if code in NOT_FOUND:
        return ObjectNotFound(f"There is no {name}")
    skewed = clock_error(
        answer.get("HTTPStatusCode", 0), error.response.get("Error", {}), answer.get("HTTPHeaders", {})
    )
    if skewed:
        return skewed
    if code in FORBIDDEN:
        return (StorageForbidden if own else BucketForbidden)(
            f"The storage does not let this service use {name}"
        )
    if code in EXPIRED:
        return StorageUnavailable(expired(code))
    if code in ELSEWHERE:
        return StorageUnavailable(elsewhere(bucket, region_of(error.response)))
    return StorageUnavailable(f"The storage responds {code}")


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
