"""Levels of the record format, so that versions of the service can work side by side.

A level is what a worker must understand of a request. A new member of a stylization raises LEVEL by one and
is entered in SINCE: a worker that does not know it would paint something else, and must leave the job alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter

from shared.wire.descriptors import OF_THE_LOSSES, OF_THE_MINIMIZATION, Stylization

BASE_LEVEL = 1  # of records that do not say what they need
LEVEL = 4  # what this version understands
ADOPTION_LEVEL = 4  # of jobs whose objects lie below another owner's name: Job.folder
# The level of each member that the base does not have, by its path of names.
SINCE: Mapping[str, int] = {
    **{f"params.{name}": 2 for name in ("method", "losses", *OF_THE_LOSSES, *OF_THE_MINIMIZATION)},
    **{f"output.{name}": 3 for name in ("bucket", "key")},
}


def needed_level(request: Stylization) -> int:
    """The lowest level that understands all that the request asks for; a default asks for nothing."""
    level = BASE_LEVEL
    for path, since in SINCE.items():
        value_in, default = _member(path)
        if since > level and value_in(request) != default:
            level = since
    return level


@cache
def _member(path: str) -> tuple[Callable[[Stylization], object], object]:
    """How to find it in a request, and what it is when neither it nor what it lies in was given."""
    first, *rest = path.split(".")
    default = Stylization.model_fields[first].default
    return attrgetter(path), attrgetter(".".join(rest))(default) if rest else default
