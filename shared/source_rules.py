"""Which image sources the service reads: asked by the API at submit, and by the worker before it fetches."""

from __future__ import annotations

from shared.descriptors import ImageSource, UrlSource
from shared.errors import UrlNotAllowed
from shared.settings import Settings
from shared.urls import check_url

S3_SCHEME = "s3://"


def check_source(source: ImageSource, owner: str, settings: Settings, pointer: str) -> None:
    """Raises UrlNotAllowed, with the member's JSON pointer, unless the source may be read by this owner."""
    if not isinstance(source, UrlSource):
        return
    try:
        if source.url.startswith(S3_SCHEME):
            s3_location(source.url, owner, settings)
        else:
            check_url(source.url, settings)
    except UrlNotAllowed as error:
        raise UrlNotAllowed(error.detail, f"{pointer}/url") from None


def s3_location(url: str, owner: str, settings: Settings) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`.

    Raises:
        UrlNotAllowed: the bucket is none that jobs may name, or the key in the service's own bucket is not
            among the owner's uploads and results.
    """
    bucket, _, key = url.removeprefix(S3_SCHEME).partition("/")
    if not key:
        raise UrlNotAllowed("The URL names no object; it must be s3://bucket/key")
    own = key.startswith((f"uploads/{owner}/", f"results/{owner}/"))
    if bucket in settings.s3_source_buckets or (bucket == settings.s3_bucket and own):
        return bucket, key
    raise UrlNotAllowed(f"The service does not read s3://{bucket}/{key[:100]} for you (s3_source_buckets)")
