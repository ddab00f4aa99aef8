"""Validation errors in words: what was expected, what was given, and the member that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Sized
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.redaction import redacted
from shared.wire.batch_descriptors import FORM_TAGS
from shared.wire.params import ORIGINAL_TAG, SIDE_TAG
from shared.wire.sources import SOURCE_TAGS

Location = tuple[int | str, ...]

MEMBERS_OF_TAGS = {tag: member for member, tag in (SOURCE_TAGS | FORM_TAGS).items()}
TAGS = {*MEMBERS_OF_TAGS, SIDE_TAG, ORIGINAL_TAG}  # in locations, but not in requests
SHOWN_CHARACTERS = 40  # of a given text
MOST_DIFFERENT = 3  # between the lengths of two names
WHOLE, NUMBER, BOOLEAN, TEXT = "a whole number", "a number", "true or false", "text"
ARRAY, OBJECT = "an array", "an object"
EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), NUMBER),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), BOOLEAN),
    "string_type": TEXT,
    **dict.fromkeys(("list_type", "tuple_type"), ARRAY),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), OBJECT),
    "none_required": "null",
}
LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
LENGTHS = {
    "string_too_long": ("at most", "max_length"),
    "string_too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
    "too_short": ("at least", "min_length"),
}


def problems_of(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors in the order of the request, without those that follow from another one."""
    found = error.errors(include_url=False)
    # If an item is wrong, pydantic also reports that too few are left.
    return [
        each
        for each in found
        if each["type"] != "too_short" or _length(each["input"]) < each["ctx"]["min_length"]
    ]


def pointer_of(location: Location) -> str:
    """Return the JSON pointer (RFC 6901) of an error's location."""
    members = [str(member) for member in location if member not in TAGS]
    return "".join("/" + member.replace("~", "~0").replace("/", "~1") for member in members)


def sentence_of(problem: ErrorDetails, title: str) -> str:
    """Return what is wrong and what would be right; `title` is that of pydantic's error."""
    kind, given, limits = problem["type"], problem["input"], problem.get("ctx", {})
    sentence = problem["msg"]
    if kind == "missing":
        sentence = "The member is missing"
    elif kind == "extra_forbidden":
        sentence = _unknown_member(problem["loc"], title)
    elif kind in ("enum", "literal_error"):
        sentence = _other_word(limits["expected"], given)
    elif kind in EXPECTED:
        or_word = " or 'original'" if SIDE_TAG in problem["loc"] else ""
        sentence = f"It must be {EXPECTED[kind]}{or_word}, not {_shown(given)}"
    elif kind in LIMITS:
        words, limit = LIMITS[kind]
        sentence = f"It must be {words} {_number(limits[limit])}, not {_shown_number(given)}"
    elif kind in LENGTHS:
        words, limit = LENGTHS[kind]
        sentence = _other_length(words, limits[limit], given)
    elif kind == "string_pattern_mismatch" and "pattern" in limits:
        sentence = f"It must match the pattern {limits['pattern']}"
    return sentence


def _shown_number(given: Any) -> str:
    """Return a number as it was sent; in a query it is a text."""
    return given[:SHOWN_CHARACTERS] if isinstance(given, str) else _shown(given)


def _number(limit: float) -> str:
    return f"{int(limit):,}" if limit == int(limit) else f"{limit:g}"


def _other_length(words: str, number: int, given: Any) -> str:
    if not given:
        return "It must not be empty"
    what = "character" if isinstance(given, str) else "member" if isinstance(given, dict) else "item"
    return f"It must have {words} {number:,} {what}{'s' * (number != 1)}, and it has {_length(given):,}"


def _length(given: Any) -> int:
    return len(given) if isinstance(given, Sized) else 0


def _other_word(expected: str, given: Any) -> str:
    words = re.findall("'([^']*)'", expected)
    near = get_close_matches(given, words, 1) if isinstance(given, str) else []
    return f"It must be {expected}, not {_shown(given)}" + (f"; did you mean '{near[0]}'?" if near else "")


def _shown(given: Any) -> str:
    """Return a short name of what a client sent."""
    if isinstance(given, str):
        text = redacted(given)
        return f"the text '{text[:SHOWN_CHARACTERS]}{'...' * (len(text) > SHOWN_CHARACTERS)}'"
    if isinstance(given, dict | list | tuple):
        return OBJECT if isinstance(given, dict) else ARRAY
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    return f"{given:,}"[:SHOWN_CHARACTERS]


# --- unknown members --------------------------------------------------------------------------------


def _unknown_member(location: Location, title: str) -> str:
    """Name the members that were probably meant: of the same object, or of an object in it."""
    above, name = location[:-1], str(location[-1])
    here, inner = _members_at(tuple(each for each in above if isinstance(each, str)), title)
    near = _near(name, here, 2) or [inner[each] for each in _near(name, inner, 1)]
    sentence = f"There is no member '{name[:SHOWN_CHARACTERS]}' here"
    if near:
        pointers = [f"{pointer_of(above)}/{each}" for each in near]
        return f"{sentence}; did you mean {' or '.join(pointers)}?"
    return f"{sentence}; the members are {', '.join(here)}" if here else sentence


def _near(name: str, known: Collection[str], most: int) -> list[str]:
    """Return the known names that are like this one. Those of other lengths or letters are not compared."""
    letters = set(name)
    likely = [
        each
        for each in known
        if abs(len(each) - len(name)) <= MOST_DIFFERENT and len(letters & set(each)) * 2 > len(letters)
    ]
    return get_close_matches(name, likely, most)


@lru_cache(maxsize=256)
def _members_at(steps: tuple[str, ...], title: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the members of the object at a location, and the paths of those of its objects, by name."""
    known = _all_models()
    models = [model for model in known if model.__name__ == title] or known
    for step in steps:
        if step in MEMBERS_OF_TAGS:
            models = [model for model in models if MEMBERS_OF_TAGS[step] in model.model_fields]
        else:
            fields = [model.model_fields[step] for model in models if step in model.model_fields]
            models = [part for field in fields for part in _models_in(field.annotation)]
    here = {name: field for model in models for name, field in model.model_fields.items()}
    inner = {
        name: f"{member}/{name}"
        for member, field in here.items()
        for part in _models_in(field.annotation)
        for name in part.model_fields
    }
    return tuple(here), inner


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models among the parts of a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _all_models() -> list[type[BaseModel]]:
    found, rest = list[type[BaseModel]](), [BaseModel]
    while rest:
        rest += (inner := rest.pop().__subclasses__())
        found += inner
    return found
