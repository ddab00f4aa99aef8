"""JSON whose objects name each member once: of two members of one name, parsers silently drop the first."""

from __future__ import annotations

import json
from typing import Any

from shared.errors import InvalidParameter
from shared.redaction import shortened

Pairs = list[tuple[str, Any]]


class _Twice(Exception):
    """An object has two members of one name."""


class _Object(list[tuple[str, Any]]):
    """An object's members as they stand, for the search for the place of one."""


def _once(pairs: Pairs) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


_READER = json.JSONDecoder(object_pairs_hook=_once)
_SEARCHER = json.JSONDecoder(object_pairs_hook=_Object)


def decoded(text: str, pointer: str) -> Any:
    """Return what the text says; `pointer` is where it stands in the request.

    Raises:
        InvalidParameter: an object in it has two members of one name.
        ValueError, RecursionError: it is not JSON, or nested too deeply.
    """
    try:
        return _READER.decode(text)
    except _Twice:
        place = f"{pointer}{_place_of_second(_SEARCHER.decode(text), '')}"
        raise InvalidParameter("The member is given twice", shortened(place)) from None


def check_members(text: bytes) -> None:
    """Check JSON that a model has accepted already.

    Raises:
        InvalidParameter: an object in it has two members of one name.
    """
    decoded(text.decode(), "")


def _place_of_second(value: Any, pointer: str) -> str | None:
    """Return the pointer to the first member whose name was there before; None if there is none."""
    seen = set()
    for name, member in _members(value):
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in seen:
            return place
        seen.add(name)
        if (found := _place_of_second(member, place)) is not None:
            return found
    return None


def _members(value: Any) -> Pairs:
    if isinstance(value, _Object):
        return value
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else []
