"""The version of the record format, so that versions of the service can work side by side.

A worker must leave a job alone that uses a member unknown to it, because it would paint something else. So
a new member of a stylization is marked `Since(N)`, where N is one more than the highest released version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter

from shared.wire.base import Descriptor, Since
from shared.wire.descriptors import Stylization
from shared.wire.params import SIDE_OF_VERSION_1

BASE_VERSION = 1  # of records that do not name a version
LARGE_VERSION = 5  # of jobs whose `max_side` older workers do not accept
ORIGINAL_VERSION = 5  # of jobs with method 'optimize', which older workers paint by other defaults
ADOPTION_VERSION = 4  # of jobs whose objects lie below another owner's name: Job.folder


def _marked(model: type[Descriptor], path: str = "") -> Iterator[tuple[str, int]]:
    """Yield the path of names and the version of each marked member."""
    for name, field in model.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Since):
                yield path + name, mark.version
        if isinstance(field.annotation, type) and issubclass(field.annotation, Descriptor):
            yield from _marked(field.annotation, f"{path}{name}.")


SINCE = dict(_marked(Stylization))
RECORD_VERSION = max(*SINCE.values(), ADOPTION_VERSION)  # what this version of the service understands


def needed_version(request: Stylization) -> int:
    """Return the lowest version that knows all members of the request that have no default value."""
    version = BASE_VERSION
    if request.params.longest_side > SIDE_OF_VERSION_1:
        version = LARGE_VERSION
    if request.params.method == "optimize":
        version = ORIGINAL_VERSION
    for path, since in SINCE.items():
        value_in, default = _member(path)
        if since > version and value_in(request) != default:
            version = since
    return version


@cache
def _member(path: str) -> tuple[Callable[[Stylization], object], object]:
    """Return a getter of the member and its default."""
    first, *rest = path.split(".")
    default = Stylization.model_fields[first].default
    return attrgetter(path), attrgetter(".".join(rest))(default) if rest else default
