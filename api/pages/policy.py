"""The Content-Security-Policy of the pages: nothing comes from elsewhere but pictures from the storage."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from shared.errors import StyleQueueError
from shared.settings import Settings
from shared.storage.objects import Storage

SOME_KEY = "key"


def policy_of_pages(settings: Settings, storage: Storage) -> str:
    """Return the policy. No inline script or style runs, and scripts cannot turn text into HTML."""
    pictures = " ".join(["'self'", "blob:", *_origins(storage, settings.s3_output_buckets)])
    return (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        f"connect-src 'self'; img-src {pictures}; style-src 'self'; script-src 'self'; "
        "require-trusted-types-for 'script'"
    )


def _origins(storage: Storage, output_buckets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the origins of presigned URLs; none while the storage has no credentials to sign with."""
    try:
        return _signed_origins(storage, output_buckets)
    except StyleQueueError:
        return ()


@lru_cache(maxsize=8)
def _signed_origins(storage: Storage, output_buckets: tuple[str, ...]) -> tuple[str, ...]:
    buckets = [None, *(entry.rpartition(":")[2] for entry in output_buckets)]
    urls = (urlsplit(storage.presigned_get(SOME_KEY, None, bucket=bucket)) for bucket in buckets)
    return tuple(sorted({f"{url.scheme}://{url.netloc}" for url in urls}))
