"""Images in S3-compatible storage. botocore's exceptions end here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import IO, Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError as BrokenBody

from shared.errors import SourceForbidden, SourceNotFound, SourceTooLarge, StorageUnavailable
from shared.settings import Settings

READ_CHUNK_BYTES = 1 << 20
KEYS_PER_DELETE = 1000  # as many as S3 takes
_IN_THIS_THREAD = TransferConfig(use_threads=False)
NOT_FOUND = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
FORBIDDEN = {"403", "AccessDenied", "AllAccessDisabled"}


def upload_key(owner: str, upload_id: str) -> str:
    return f"uploads/{owner}/{upload_id}"


def batch_key(owner: str, batch_id: str, name: str) -> str:
    return f"results/{owner}/{batch_id}/{name}.ndjson"


def result_key(owner: str, job_id: str, extension: str) -> str:
    """The same key for every attempt: a job that runs twice writes the same picture to the same place."""
    return f"results/{owner}/{job_id}.{extension}"


class Storage:
    """One bucket for uploads and results, and read access to the buckets that jobs name.

    Every method raises StorageUnavailable when the endpoint does not answer, or answers with a server error.
    The client is thread-safe and keeps its connections.
    """

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._presigned_url_seconds = settings.presigned_url_seconds
        self._client = _client(settings, settings.s3_endpoint_url)
        public = settings.s3_public_endpoint_url
        self._public_client = _client(settings, public) if public else self._client

    def ensure_bucket(self) -> None:
        """Creates the service's bucket if it is not there."""
        with _translated_errors(self._bucket, ""):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in NOT_FOUND:
                    raise
                self._client.create_bucket(Bucket=self._bucket)

    def check(self) -> None:
        """Raises StorageUnavailable or SourceNotFound unless the service's bucket answers."""
        with _translated_errors(self._bucket, ""):
            self._client.head_bucket(Bucket=self._bucket)

    def put(self, key: str, body: bytes | IO[bytes], content_type: str) -> None:
        """Writes an object; it appears whole or not at all. A file object is read from where it stands."""
        with _translated_errors(self._bucket, key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def get(self, key: str, *, max_bytes: int, bucket: str | None = None) -> bytes:
        """An object's bytes.

        Raises:
            SourceNotFound, SourceForbidden: S3 says so.
            SourceTooLarge: it is larger than `max_bytes`; no more than that is read.
        """
        bucket = bucket or self._bucket
        with _translated_errors(bucket, key):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                if answer["ContentLength"] > max_bytes:
                    size = f"{answer['ContentLength']:,} bytes"
                    raise SourceTooLarge(
                        f"The object has {size}; the limit is {max_bytes:,} (max_upload_bytes)"
                    )
                return bytes(body.read())

    def etag(self, key: str, *, bucket: str | None = None) -> str:
        """The object's entity tag, which changes with its bytes.

        Raises:
            SourceNotFound, SourceForbidden: S3 says so.
        """
        bucket = bucket or self._bucket
        with _translated_errors(bucket, key):
            return str(self._client.head_object(Bucket=bucket, Key=key)["ETag"])

    def exists(self, key: str) -> bool:
        with _translated_errors(self._bucket, key):
            try:
                self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _code(error) in NOT_FOUND:
                    return False
                raise
        return True

    def put_file(self, key: str, file: IO[bytes], content_type: str) -> None:
        """As `put`, for a file of any size: a large one goes in parts."""
        with _translated_errors(self._bucket, key):
            self._client.upload_fileobj(
                file, self._bucket, key, ExtraArgs={"ContentType": content_type}, Config=_IN_THIS_THREAD
            )

    def stream(self, key: str, *, bucket: str | None = None) -> Iterator[bytes]:
        """An object's bytes, piece by piece; nothing is asked for before the first piece.

        Raises:
            SourceNotFound, SourceForbidden: S3 says so.
        """
        bucket = bucket or self._bucket
        with _translated_errors(bucket, key):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(READ_CHUNK_BYTES)

    def keys(self, prefix: str, *, bucket: str | None = None) -> Iterator[str]:
        """The keys under a prefix, in their order; a thousand in each request.

        Raises:
            SourceNotFound, SourceForbidden: S3 says so.
        """
        bucket = bucket or self._bucket
        with _translated_errors(bucket, prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            yield from (item["Key"] for page in pages for item in page.get("Contents", ()))

    def delete_many(self, keys: Iterable[str]) -> None:
        """As `delete`, a thousand in each request."""
        rest = iter(keys)
        while some := list(islice(rest, KEYS_PER_DELETE)):
            listed = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            with _translated_errors(self._bucket, some[0]):
                self._client.delete_objects(Bucket=self._bucket, Delete=listed)

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there counts as removed."""
        with _translated_errors(self._bucket, key):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _code(error) not in NOT_FOUND:
                    raise

    def presigned_get(self, key: str, content_type: str) -> str:
        """A URL that reads the object for `presigned_url_seconds`, without a request to S3."""
        return self._presigned("get_object", Key=key, ResponseContentType=content_type)

    def presigned_put(
        self, key: str, content_type: str, size: int, sha256: str
    ) -> tuple[str, dict[str, str]]:
        """A URL that writes exactly this object for `presigned_url_seconds`, and the headers to send with it.

        Type, length and (where the server checks it) SHA-256 checksum are part of the signature.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        url = self._presigned(
            "put_object", Key=key, ContentType=content_type, ContentLength=size, ChecksumSHA256=checksum
        )
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(size),
            "x-amz-checksum-sha256": checksum,
        }
        return url, headers

    def _presigned(self, operation: str, **parameters: str | int) -> str:
        with _translated_errors(self._bucket, str(parameters["Key"])):
            return str(
                self._public_client.generate_presigned_url(
                    operation, {"Bucket": self._bucket, **parameters}, ExpiresIn=self._presigned_url_seconds
                )
            )


def _client(settings: Settings, endpoint_url: str | None) -> Any:
    key, secret = settings.s3_access_key, settings.s3_secret_key
    session = boto3.session.Session()  # a session of its own: boto3's default one is not thread-safe
    return session.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=key and key.get_secret_value(),
        aws_secret_access_key=secret and secret.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            tcp_keepalive=True,
            max_pool_connections=32,
            parameter_validation=False,  # all parameters are this file's own
            s3={"addressing_style": "auto" if endpoint_url is None else "path"},
            # older S3 look-alikes refuse the trailing checksums that boto3 sends by default
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextmanager
def _translated_errors(bucket: str, key: str) -> Iterator[None]:
    name = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in NOT_FOUND:
            raise SourceNotFound(f"There is no {name}") from error
        if code in FORBIDDEN:
            raise SourceForbidden(f"The storage does not let this service read {name}") from error
        raise StorageUnavailable(f"The storage answers {code}") from error
    except (BotoCoreError, HTTPClientError, BrokenBody) as error:
        raise StorageUnavailable(f"The storage does not answer ({type(error).__name__})") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
