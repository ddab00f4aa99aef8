"""Settings that are URLs, checked at start. No error repeats a URL, because it may hold a password."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from shared.policy.hosts import is_host
from shared.store.redis.redis_url import read_redis_url

_HTTP = re.compile(r"https?://(?P<host>[^/?#@\s]+)(?P<prefix>(/[\w~-][\w.~-]*)*)/?", re.ASCII)


def _check_http_url(url: str) -> str:
    """Return the URL without a slash at its end."""
    parts = _HTTP.fullmatch(url)
    if parts and is_host(parts["host"]):
        return url.removesuffix("/")
    raise PydanticCustomError(
        "http_url",
        "it must be http:// or https://, a host, perhaps a port and a path: https://example.org/path",
    )


def _check_redis_url(url: str) -> str:
    try:
        read_redis_url(url)
    except ValueError as error:
        raise PydanticCustomError("redis_url", "{reason}", {"reason": str(error)}) from None
    return url


HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
RedisUrlText = Annotated[str, AfterValidator(_check_redis_url)]
