"""A test for refusals because of a wrong clock: S3 takes requests within 15 minutes of its own time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus

from botocore.utils import parse_timestamp

from shared.errors import ClockSkewed

NAMED = "RequestTimeTooSkewed"
REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# Some servers call it AccessDenied, and the response to HEAD has no code. Then the clocks are compared.
UNNAMED_SECONDS = 14 * 60


def clock_error(status: int, error: Mapping[str, str], headers: Mapping[str, str]) -> ClockSkewed | None:
    """Return the error if S3 refused a request because of the clock; None if it had another reason.

    `error` has the elements of S3's error. Its ServerTime is surer than the header Date, which proxies set.
    """
    if status not in REFUSALS:
        return None
    server = _time(error.get("ServerTime")) or _time(headers.get("date"))
    own = _time(error.get("RequestTime")) or datetime.fromtimestamp(time.time(), UTC)
    seconds = (own - server).total_seconds() if server else 0
    if error.get("Code") == NAMED or abs(seconds) > UNNAMED_SECONDS:
        return ClockSkewed(_sentence(round(seconds)))
    return None


def _sentence(seconds: int) -> str:
    way = "ahead" if seconds > 0 else "behind"
    differs = f"differs by {abs(seconds):,} s from the storage's (it is {way})" if seconds else "differs"
    return f"The service's clock {differs}, so the storage refuses its requests"


def _time(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return parse_timestamp(text).astimezone(UTC) if text else None
    return None
