"""'90', '90s', '10m' and '1.5h' as seconds."""

from __future__ import annotations

import re

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


class BadSpec(ValueError):
    """A value on the command line, or in a file that it names, is malformed; the message says why."""


def seconds_of(text: str) -> float:
    """Return the seconds of a duration.

    Raises:
        BadSpec: the text is not a duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadSpec(f"'{text}' is not a duration; write it like 90, 90s, 10m or 1.5h")
    return float(match[1]) * UNITS[match[2]]
