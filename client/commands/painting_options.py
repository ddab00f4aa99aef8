"""The members of `Params` as options, with the limits, defaults and descriptions of the model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import click
from pydantic import ValidationError

from client.folder.manifest import OF_A_PICTURE
from shared.command_line.options import option
from shared.wire.params import Params
from shared.wire.sentences import problems_of, sentence_of

MEMBERS: dict[str, dict[str, Any]] = Params.model_json_schema()["properties"]


class NumberOrWord(click.IntRange):
    """A whole number within limits, or one of some words instead."""

    def __init__(self, least: int, most: int, words: tuple[str, ...]) -> None:
        super().__init__(least, most)
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value in self._words else super().convert(value, param, ctx)


def painting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each member; the command gets `ways`, one Params for each combination of values."""

    @functools.wraps(command)
    def with_params(*arguments: Any, **options: Any) -> Any:
        wanted = {name: options.pop(name) for name in MEMBERS}
        values = product(*(dict.fromkeys(wanted[name]) for name in OF_A_PICTURE))
        ways = tuple(_params({**wanted, **dict(zip(OF_A_PICTURE, each, strict=True))}) for each in values)
        return command(*arguments, ways=ways, **options)

    for name in reversed(MEMBERS):
        several = several_of(name) if name in OF_A_PICTURE else {}
        with_params = painting_option(name, **several)(with_params)
    return with_params


def several_of(name: str) -> dict[str, Any]:
    """Return the changes of an option that may be given several times."""
    member = MEMBERS[name]
    about = f"{member['description']} May be given more than once: each photo is painted with each value."
    return {"multiple": True, "default": (member["default"],), "help": about}


def painting_option(name: str, **changes: Any) -> Callable[..., Any]:
    """Return the option of one member; `changes` replace attributes of it."""
    return model_option(MEMBERS[name], spelled(name), **changes)


def model_option(member: dict[str, Any], *names: str, **changes: Any) -> Callable[..., Any]:
    """Return the option of a member by its JSON Schema; `changes` replace attributes of it."""
    kind, *others = member.get("anyOf") or member.get("oneOf", [member])
    words = tuple(word for other in others for word in other.get("enum", ()))
    kind = NumberOrWord(kind["minimum"], kind["maximum"], words) if words else _type_of(kind)
    attributes = {
        "type": kind,
        "is_flag": kind is click.BOOL,
        "default": member["default"],
        "show_default": kind is not click.BOOL,
        "help": member["description"],
    }
    return option(*names, **(attributes | changes))


def _type_of(schema: Mapping[str, Any]) -> click.ParamType[Any, Any]:
    if "enum" in schema:
        return click.Choice(schema["enum"])
    if schema["type"] == "boolean":
        return click.BOOL
    kind = click.IntRange if schema["type"] == "integer" else click.FloatRange
    below = schema.get("exclusiveMaximum")
    return kind(schema.get("minimum"), schema.get("maximum", below), max_open=below is not None)


def spelled(name: str) -> str:
    return "--" + name.replace("_", "-")


def _params(wanted: dict[str, Any]) -> Params:
    """Return the params. Raise BadParameter if one does not fit the others."""
    try:
        return Params.model_validate(wanted)
    except ValidationError as error:
        problem = problems_of(error)[0]
        hint = spelled(str(problem["loc"][0]))
        raise click.BadParameter(sentence_of(problem, error.title), param_hint=hint) from None
