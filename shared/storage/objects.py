"""Images in S3-compatible storage."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from itertools import islice
from typing import IO
from urllib.parse import quote

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from shared.errors import ObjectsKept, ObjectTooLarge, StorageUnavailable
from shared.settings import Settings
from shared.storage.client import (
    FORBIDDEN,
    NOT_FOUND,
    encryption,
    error_code,
    s3_client,
    tell_of_ignored_endpoints,
    translated_errors,
)
from shared.storage.credentials import s3_session, seconds_left
from shared.storage.direct import DirectRequests
from shared.storage.once import OnceSession
from shared.storage.public_endpoint import PublicEndpoint
from shared.storage.refusal import S3Refusal
from shared.storage.regions import BucketRegions

READ_CHUNK_BYTES = 1 << 20
# The response to HEAD has only a status. The response to GET tells missing rights from a wrong key, and a
# missing object from a missing bucket.
UNNAMED_REFUSALS = {"403", "404"}
EMPTY = {"416", "InvalidRange"}  # an object without bytes has no first one
QUICK_SECONDS = (1.0, 3.0)  # to connect, to read
QUESTION_SECONDS = 60
KEYS_PER_DELETE = 1000  # S3's limit
CHECKSUM_HEADER = "x-amz-checksum-sha256"
SIGNED_HEADERS = {
    "ChecksumSHA256": CHECKSUM_HEADER,
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}
_IN_THIS_THREAD = TransferConfig(use_threads=False)


class Storage:
    """The service's bucket for uploads and results, and access to the buckets that jobs name.

    Every method raises StorageUnavailable when the endpoint does not respond, responds with a server error
    or has no bucket of the service, and StorageForbidden when the service lacks rights there. Methods that
    read or list raise ObjectNotFound. In another `bucket`, BucketForbidden is a lack of rights.
    Threads may share an object; it keeps its connections.
    """

    def __init__(self, settings: Settings) -> None:
        tell_of_ignored_endpoints(settings)
        self._bucket = settings.s3_bucket
        self._presigned_url_seconds = settings.presigned_url_seconds
        self._encryption = encryption(settings)
        self._upload_checksum = settings.s3_upload_checksum
        session = s3_session(settings)
        self._client = s3_client(settings, settings.s3_endpoint_url, session)
        outputs = {entry.rpartition(":")[2] for entry in settings.s3_output_buckets}
        self._regions = BucketRegions(settings.s3_region, {self._bucket, *outputs})
        self._regions.watch(self._client)
        self._credentials = session.get_credentials()
        self._direct = DirectRequests(self._client, self._credentials, settings.s3_requester_pays_buckets)
        self._once = OnceSession(self.endpoint_url)
        self._quick = OnceSession(self.endpoint_url, QUICK_SECONDS)
        public = settings.s3_public_endpoint_url
        self._public = PublicEndpoint.between(settings.s3_endpoint_url, public) if public else None
        self._signing_client = (
            s3_client(settings, self._public.signed_url, session) if self._public else self._client
        )

    @property
    def endpoint_url(self) -> str:
        """Return the address at which the service reaches S3; without a setting, Amazon's."""
        return str(self._client.meta.endpoint_url)

    def _errors(self, bucket: str, key: str) -> AbstractContextManager[None]:
        return translated_errors(bucket, key, own=bucket == self._bucket)

    def check(self) -> None:
        """Raise StorageUnavailable unless the service's bucket can be reached."""
        with self._errors(self._bucket, ""):
            self._client.head_bucket(Bucket=self._bucket)

    def check_region(self) -> None:
        """Raise StorageUnavailable if S3 has said that the service's bucket is in another region."""
        self._regions.check(self._bucket)

    def put(self, key: str, body: bytes | IO[bytes], content_type: str, *, bucket: str | None = None) -> None:
        """Write an object, which appears whole or not at all. A file is read from its current position."""
        bucket = bucket or self._bucket
        headers = {"Content-Type": content_type}
        headers |= {SIGNED_HEADERS[name]: value for name, value in self._encryption.items()}
        with self._errors(bucket, key):
            if isinstance(body, bytes) and self._direct.put(bucket, key, body, headers):
                return
            self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, **self._encryption
            )

    def get(self, key: str, *, max_bytes: int, bucket: str | None = None) -> bytes:
        """Return an object's bytes.

        Raises:
            ObjectTooLarge: it is larger than `max_bytes`; nothing of it is read.
        """
        bucket = bucket or self._bucket
        with self._errors(bucket, key):
            if (read := self._direct.get(bucket, key, max_bytes)) is not None:
                return read
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                if answer["ContentLength"] > max_bytes:
                    size = f"{answer['ContentLength']:,} bytes"
                    raise ObjectTooLarge(f"The object has {size}; the limit is {max_bytes:,}")
                return bytes(body.read())

    def etag(self, key: str, *, bucket: str | None = None) -> str:
        """Return the object's entity tag, which changes with its bytes."""
        bucket = bucket or self._bucket
        with self._errors(bucket, key):
            try:
                found = self._client.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if error_code(error) not in UNNAMED_REFUSALS:
                    raise
                found = self._client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")
                found["Body"].close()
            return str(found["ETag"])

    def exists(self, key: str) -> bool:
        with self._errors(self._bucket, key):
            try:
                self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error) in NOT_FOUND:
                    return False
                raise
        return True

    def found(self, folder: str, names: Sequence[str]) -> set[str]:
        """Return which of the sorted names are in the folder, within a few seconds.

        The folder is listed, a thousand names in each request, always from the next wanted name on: so there
        are never more requests than names.
        """
        rest, sought, there = deque(names), set(names), set[str]()
        while rest:
            with self._errors(self._bucket, folder):
                page = self._client.list_objects_v2(
                    Bucket=self._bucket,
                    Prefix=folder,
                    StartAfter=folder + rest[0][:-1],
                )
            listed = [item["Key"].removeprefix(folder) for item in page.get("Contents", ())]
            there |= sought.intersection(listed)
            if not page.get("IsTruncated"):
                break
            if not listed or listed[-1] < rest[0]:  # this server ignores StartAfter
                return there | {name for name in rest if self._is_there(folder + name)}
            while rest and rest[0] <= listed[-1]:
                rest.popleft()
        return there

    def beginnings(self, folder: str, names: Sequence[str], count: int) -> dict[str, bytes]:
        """Return the first `count` bytes of each named object that is in the folder, within a few seconds.

        This sends one small request for each name.
        """
        found = ((name, self._beginning(folder + name, count)) for name in names)
        return {name: beginning for name, beginning in found if beginning is not None}

    def _beginning(self, key: str, count: int) -> bytes | None:
        with self._errors(self._bucket, key):
            url = self._client.generate_presigned_url(
                "get_object", {"Bucket": self._bucket, "Key": key}, ExpiresIn=QUESTION_SECONDS
            )
            found = self._quick.beginning(url, count)
        if not isinstance(found, S3Refusal):
            return found
        if found.code in EMPTY:
            return b""
        if found.code not in NOT_FOUND:
            raise StorageUnavailable(f"The storage responds {found.code} when asked for an upload")
        return None

    def _is_there(self, key: str) -> bool:
        """Ask S3 once, with short time limits."""
        with self._errors(self._bucket, key):
            url = self._client.generate_presigned_url(
                "head_object", {"Bucket": self._bucket, "Key": key}, ExpiresIn=QUESTION_SECONDS
            )
            refusal = self._quick.send("HeadObject", "HEAD", url)
        if refusal and refusal.code not in NOT_FOUND:
            raise StorageUnavailable(f"The storage responds {refusal.code} when asked for an upload")
        return refusal is None

    def put_file(self, key: str, file: IO[bytes], content_type: str) -> None:
        """Write a file of any size; a large one is sent in parts."""
        with self._errors(self._bucket, key):
            written_with = {"ContentType": content_type, **self._encryption}
            self._client.upload_fileobj(
                file, self._bucket, key, ExtraArgs=written_with, Config=_IN_THIS_THREAD
            )

    def stream(self, key: str, *, bucket: str | None = None) -> Iterator[bytes]:
        """Yield an object's bytes, piece by piece. The request is sent when the first piece is taken."""
        bucket = bucket or self._bucket
        with self._errors(bucket, key):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(READ_CHUNK_BYTES)

    def keys(self, prefix: str, *, bucket: str | None = None) -> Iterator[str]:
        """Yield the keys under a prefix in their order, a thousand with each request."""
        bucket = bucket or self._bucket
        with self._errors(bucket, prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            yield from (item["Key"] for page in pages for item in page.get("Contents", ()))

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete objects, a thousand with each request. A missing object counts as deleted.

        Raises:
            ObjectsKept: S3 did not delete some of them.
        """
        rest, kept = iter(keys), dict[str, str]()
        while some := list(islice(rest, KEYS_PER_DELETE)):
            listed = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            with self._errors(self._bucket, some[0]):
                answer = self._client.delete_objects(Bucket=self._bucket, Delete=listed)
            kept |= _kept(some, answer.get("Errors", ()))
        self._check_gone(kept)

    def delete(self, key: str) -> None:
        """Delete an object. A missing one counts as deleted."""
        with self._errors(self._bucket, key):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error) not in NOT_FOUND:
                    raise

    def presigned_deletes(self, keys: Iterable[str], seconds: int) -> dict[str, str]:
        """Return a URL for each key, for `send_deletes`. The server refuses it after `seconds`."""
        with self._errors(self._bucket, ""):
            return {
                key: self._client.generate_presigned_url(
                    "delete_object", {"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
                )
                for key in keys
            }

    def send_deletes(self, urls: Mapping[str, str]) -> None:
        """Send each key's URL once.

        Raises:
            ObjectsKept: S3 refused some of them.
        """
        kept = {}
        for key, url in urls.items():
            with self._errors(self._bucket, key):
                refusal = self._once.send("DeleteObject", "DELETE", url)
            if refusal:
                kept[key] = refusal.code
        self._check_gone(kept)

    def _check_gone(self, kept: Mapping[str, str]) -> None:
        """Raise ObjectsKept unless all keys are merely missing; `kept` has S3's error code for each."""
        kept = {key: code for key, code in kept.items() if code not in NOT_FOUND}
        if kept:
            key, code = next(iter(kept.items()))
            more = f" and {len(kept) - 1:,} more" if len(kept) > 1 else ""
            detail = f"The storage does not delete s3://{self._bucket}/{key}{more} ({code})"
            raise ObjectsKept(detail, kept, forbidden=not FORBIDDEN.isdisjoint(kept.values()))

    def presigned_get(
        self, key: str, content_type: str | None, *, bucket: str | None = None, save_as: str | None = None
    ) -> str:
        """Return a URL that reads the object for `url_seconds`. This sends no request.

        Without a content type the server sends the one that the object was stored with. Browsers show the
        file, or save it under the name `save_as`.
        """
        named = {"ResponseContentType": content_type} if content_type else {}
        if save_as:
            named["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(save_as, safe='')}"
        return self._presigned("get_object", Bucket=bucket or self._bucket, Key=key, **named)

    def presigned_put(
        self, key: str, content_type: str, size: int, sha256: str
    ) -> tuple[str, dict[str, str]]:
        """Return a URL that writes exactly this object for `url_seconds`, and the headers to send.

        Type, length, encryption and, if the settings want it, the SHA-256 checksum are part of the signature.
        """
        checked = {}
        if self._upload_checksum == "sha256":
            checked["ChecksumSHA256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        signed = {**checked, **self._encryption}
        url = self._presigned(
            "put_object",
            Bucket=self._bucket,
            Key=key,
            ContentType=content_type,
            ContentLength=size,
            **signed,
        )
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        return url, headers | {SIGNED_HEADERS[name]: value for name, value in signed.items()}

    def url_seconds(self) -> int:
        """Return how long a presigned URL made now works: at most as long as temporary credentials do."""
        with self._errors(self._bucket, ""):
            return max(1, int(min(self._presigned_url_seconds, seconds_left(self._credentials))))

    def _presigned(self, operation: str, **parameters: str | int) -> str:
        with self._errors(str(parameters["Bucket"]), str(parameters["Key"])):
            url = str(
                self._signing_client.generate_presigned_url(
                    operation, parameters, ExpiresIn=self.url_seconds()
                )
            )
        return self._public.shown(url) if self._public else url


def _kept(keys: Sequence[str], errors: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return S3's code for each key that it kept; all keys count as kept if an error names none of them."""
    codes = {error.get("Key", ""): error.get("Code", "") for error in errors}
    if codes.keys() <= set(keys):
        return codes
    return dict.fromkeys(keys, next(iter(codes.values())))
