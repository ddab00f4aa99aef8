"""Reads the bytes of an image source: an upload, an object in S3, or a file behind an https:// URL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from shared.errors import (
    BucketForbidden,
    ObjectNotFound,
    ObjectTooLarge,
    SourceCorrupt,
    SourceForbidden,
    SourceNotFound,
    SourceTooLarge,
)
from shared.policy.object_keys import upload_key
from shared.policy.source_rules import S3_SCHEME, s3_location
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings
from shared.telemetry.tracing import span
from shared.wire.sources import DataSource, ImageSource, UploadSource, UrlSource


class ObjectReader(Protocol):
    """The methods of shared.storage.objects.Storage that sources need."""

    def get(self, key: str, *, max_bytes: int, bucket: str | None = None) -> bytes: ...

    def etag(self, key: str, *, bucket: str | None = None) -> str: ...


class UrlReader(Protocol):
    """The methods of worker.sources.guarded_http.GuardedHttp that sources need."""

    def get(self, url: str) -> bytes: ...


@dataclass(frozen=True)
class Sources:
    """Reads sources with the rights of their owner; has no state."""

    storage: ObjectReader
    http: UrlReader
    settings: Settings

    def fetch(self, source: ImageSource, owner: str) -> bytes:
        """Return the file that `source` names, at most `max_upload_bytes` long.

        Raises:
            SourceForbidden, SourceNotFound, SourceRejected, SourceTooLarge, SourceCorrupt: not readable.
            SourceUnavailable, StorageUnavailable: not readable now.
        """
        match source:
            case UploadSource():
                with span("get upload", "client"):
                    return self._upload(source.upload_id, owner)
            case UrlSource() if source.url.startswith(S3_SCHEME):
                with span("get s3", "client"):
                    return self._object(source.url, owner)
            case UrlSource():
                with span("get https", "client", server__address=urlsplit(source.url).hostname):
                    return self.http.get(source.url)
            case DataSource():
                raise TypeError("a data: source is stored as an upload when the job is created")

    def identity(self, source: ImageSource, owner: str) -> str | None:
        """Return a name for exactly these bytes; None if it cannot be found without reading them.

        Raises:
            The errors of `fetch`.
        """
        match source:
            case UploadSource():
                return upload_key(owner, source.upload_id)
            case UrlSource() if source.url.startswith(S3_SCHEME):
                bucket, key = self._location(source.url, owner)
                with _source_errors():
                    return f"s3://{bucket}/{key} {self.storage.etag(key, bucket=bucket)}"
        return None

    def _upload(self, upload_id: str, owner: str) -> bytes:
        data = self._read(upload_key(owner, upload_id))
        digest = hashlib.sha256(data).hexdigest()
        if digest != upload_id:
            raise SourceCorrupt(
                f"The upload {upload_id} has other bytes than announced: their SHA-256 is {digest}"
            )
        return data

    def _object(self, url: str, owner: str) -> bytes:
        bucket, key = self._location(url, owner)
        return self._read(key, bucket)

    def _read(self, key: str, bucket: str | None = None) -> bytes:
        with _source_errors():
            return self.storage.get(key, max_bytes=self.settings.max_upload_bytes, bucket=bucket)

    def _location(self, url: str, owner: str) -> tuple[str, str]:
        try:
            return s3_location(url, owner, self.settings)
        except UrlNotAllowed as error:
            raise SourceForbidden(error.detail) from None


@contextmanager
def _source_errors() -> Iterator[None]:
    """Translate the storage's errors to those of an image source."""
    try:
        yield
    except ObjectNotFound as error:
        raise SourceNotFound(error.detail) from error
    except BucketForbidden as error:
        raise SourceForbidden(error.detail) from error
    except ObjectTooLarge as error:
        raise SourceTooLarge(f"{error.detail} (max_upload_bytes)") from error
