"""The image sources that the service may read. The API checks at submit, the worker before it fetches."""

from __future__ import annotations

from shared.policy.urls import check_url, source_urls
from shared.redaction import shortened
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings
from shared.wire.sources import ImageSource, UrlSource

S3_SCHEME = "s3://"
NO_OBJECT = "The URL names no object; it must be s3://bucket/key, no part of it '.' or '..'"


def check_source(source: ImageSource, owner: str, settings: Settings, pointer: str) -> None:
    """Raise UrlNotAllowed, with the member's JSON pointer, unless this owner may read the source."""
    if not isinstance(source, UrlSource):
        return
    try:
        if source.url.startswith(S3_SCHEME):
            s3_location(source.url, owner, settings)
        else:
            check_url(source.url, source_urls(settings))
    except UrlNotAllowed as error:
        raise UrlNotAllowed(error.detail, f"{pointer}/url") from None


def s3_location(url: str, owner: str, settings: Settings) -> tuple[str, str]:
    """Return the bucket and the key of `s3://bucket/key`.

    In the service's own bucket, an owner may read only its own uploads and results, even if
    `s3_source_buckets` lists that bucket.

    Raises:
        UrlNotAllowed: the URL names no object, or one that the owner may not read.
    """
    bucket, _, key = url.removeprefix(S3_SCHEME).partition("/")
    if not key:
        raise UrlNotAllowed(NO_OBJECT)
    _check_location(bucket, key, owner, settings)
    return bucket, key


def s3_prefix(url: str, owner: str, settings: Settings) -> tuple[str, str]:
    """Return the bucket and the prefix of `s3://bucket/prefix/`; the prefix may be empty.

    Raises:
        UrlNotAllowed: the URL names no bucket, or a location that the owner may not read.
    """
    bucket, _, prefix = url.removeprefix(S3_SCHEME).partition("/")
    _check_location(bucket, prefix, owner, settings)
    return bucket, prefix


def _check_location(bucket: str, key: str, owner: str, settings: Settings) -> None:
    dots = {".", ".."} & set(key.split("/"))  # S3 takes these literally, some look-alikes do not
    if dots or not bucket:
        raise UrlNotAllowed(NO_OBJECT)
    if bucket == settings.s3_bucket:
        if not key.startswith((f"uploads/{owner}/", f"results/{owner}/")):
            raise UrlNotAllowed(f"In the bucket '{bucket}' a job reads only its owner's uploads and results")
    elif bucket not in settings.s3_source_buckets:
        named = shortened(bucket, 150)
        raise UrlNotAllowed(
            f"The service does not read from the bucket '{named}'. "
            "The operator can allow it in STYLEQUEUE_S3_SOURCE_BUCKETS"
        )
