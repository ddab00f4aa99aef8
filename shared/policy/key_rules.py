"""Rules for new API keys, the same for the command and the API."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SPAN = re.compile(r"(\d{1,6})([hdw])")


def moment_of_expiry(text: str) -> datetime:
    """Return the time that `12h`, `90d`, `2w` (from now) or `2026-12-31` (its end, UTC) means.

    Raises:
        ValueError: the text is malformed, or the time is past; the error says which.
    """
    try:
        moment = _moment(text)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is not a time; write it like 12h, 90d, 2w or 2026-12-31") from None
    if moment <= datetime.now(UTC):
        raise ValueError(f"{text} is in the past")
    return moment


def check_lanes(scope: Scope, lanes: tuple[Lane, ...] | None) -> None:
    """
    Raises:
        ValueError: a key of this scope submits nothing, so it has no lanes.
    """
    if lanes and scope in (Scope.VIEWER, Scope.METRICS):
        raise ValueError(f"a {scope} key cannot submit jobs, so it takes no lanes")


def _moment(text: str) -> datetime:
    """Return the time that the text means.

    Raises:
        ValueError, OverflowError: the text is malformed.
    """
    span = _SPAN.fullmatch(text)
    if span:
        return datetime.now(UTC) + int(span[1]) * UNITS[span[2]]
    return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time.min, UTC)
