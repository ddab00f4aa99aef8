"""JSON that is safe to validate: bounded objects and arrays, and each member named once.

A model reports each invalid member and item, so their number must be bounded before it reads them. Of two
members with one name, parsers silently drop the first.
"""

from __future__ import annotations

import json
from collections.abc import Sized
from contextlib import suppress
from typing import Any

from shared.redaction import SHOWN_CHARACTERS, shortened
from shared.request_errors import InvalidParameter

MAX_MEMBERS = 64  # of an object; the largest that a request may have, `params`, has 16
MAX_ITEMS = 1000  # of an array, where the caller sets no other limit
# Commas and opening brackets allowed per array item. They are counted in the text before it is parsed,
# because a value of three bytes takes a hundred in memory. Those in strings count too; a job needs half.
MARKS_PER_ITEM = 50
MARKS = (b",", b"[", b"{")

Pairs = list[tuple[str, Any]]


class _Twice(Exception):
    """An object has two members of one name."""


class _Object(list[tuple[str, Any]]):
    """An object's members in order, duplicates included, to find the pointer of a duplicate."""


def _once(pairs: Pairs) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


_READER = json.JSONDecoder(object_pairs_hook=_once)
_SEARCHER = json.JSONDecoder(object_pairs_hook=_Object)


def decoded(text: str, pointer: str) -> Any:
    """Return the value of a JSON text, which stands at `pointer` in the request.

    Raises:
        InvalidParameter: an object in it has two members of one name.
        ValueError, RecursionError: the text is not JSON, or is nested too deeply.
    """
    try:
        return _READER.decode(text)
    except _Twice:
        found_at = f"{pointer}{_pointer_of_second(_SEARCHER.decode(text), '')}"
        raise InvalidParameter("The member is given twice", shortened(found_at)) from None


def check_json(text: bytes, most_items: int = MAX_ITEMS, limit_name: str = "") -> None:
    """Check a request's JSON before a model reads it.

    Text that is not JSON or is nested too deeply passes, because the model then reports the error.
    `limit_name` is the setting behind `most_items`.

    Raises:
        InvalidParameter: an object in it names a member twice or has more than MAX_MEMBERS; or an array has
            more than `most_items`; or there are more than MARKS_PER_ITEM times as many values.
    """
    marks = check_marks(text, most_items)
    with suppress(ValueError, RecursionError):
        value = decoded(text.decode(), "")
        if marks >= min(MAX_MEMBERS, most_items):  # fewer cannot be too many in any object or array
            check_sizes(value, most_items, limit_name)


def check_marks(text: bytes, most_items: int = MAX_ITEMS) -> int:
    """Check the number of values in a JSON text, and return the number of its marks.

    Raises:
        InvalidParameter: parsed, the text would take far more memory than it has bytes.
    """
    most = MARKS_PER_ITEM * most_items
    marks = sum(map(text.count, MARKS))
    if marks > most:
        raise InvalidParameter(f"There are more than {most:,} values in the JSON", "")
    return marks


def check_sizes(value: Any, most_items: int = MAX_ITEMS, limit_name: str = "", pointer: str = "") -> None:
    """Check a value that was read from JSON, as `check_json` does."""
    if isinstance(value, dict):
        _check_length(value, MAX_MEMBERS, "members", pointer)
        for name, member in value.items():
            if isinstance(member, dict | list):
                check_sizes(member, most_items, limit_name, _below(pointer, name))
    elif isinstance(value, list):
        _check_length(value, most_items, f"items{limit_name and f' ({limit_name})'}", pointer)
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                check_sizes(item, most_items, limit_name, _below(pointer, str(index)))


def _check_length(value: Sized, most: int, what: str, pointer: str) -> None:
    if len(value) > most:
        raise InvalidParameter(f"It has {len(value):,}, and the limit is {most:,} {what}", shortened(pointer))


def _below(pointer: str, name: str) -> str:
    """Return the pointer to a member, cut to the length that errors show, as each level holds a copy."""
    return f"{pointer}/{name[:SHOWN_CHARACTERS]}"[: SHOWN_CHARACTERS + 1]


def _pointer_of_second(value: Any, pointer: str) -> str | None:
    """Return the pointer to the first member whose name occurred before; None without duplicates."""
    seen = set()
    for name, member in _members(value):
        found_at = _below(pointer, name.replace("~", "~0").replace("/", "~1"))
        if name in seen:
            return found_at
        seen.add(name)
        if (found := _pointer_of_second(member, found_at)) is not None:
            return found
    return None


def _members(value: Any) -> Pairs:
    if isinstance(value, _Object):
        return value
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else []
