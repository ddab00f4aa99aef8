"""The members of `Output` as options, except those about a bucket of the client's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError

from client.commands.painting_options import model_option, spelled
from client.folder.manifest import OPTIONS_OF_OUTPUT
from shared.wire.descriptors import Output
from shared.wire.sentences import problems_of, sentence_of

MEMBERS: dict[str, dict[str, Any]] = Output.model_json_schema()["properties"]
OFFERED = ("format", "quality", "metadata", "icc", "alpha")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each offered member; the command gets `output`."""

    @functools.wraps(command)
    def with_output(*arguments: Any, **options: Any) -> Any:
        wanted = {name: options.pop(f"output_{name}") for name in OFFERED}
        return command(*arguments, output=_output(wanted), **options)

    for name in reversed(OFFERED):
        with_output = model_option(MEMBERS[name], spelled_for_output(name), f"output_{name}")(with_output)
    return with_output


def spelled_for_output(name: str) -> str:
    return spelled(OPTIONS_OF_OUTPUT.get(name, name))


def _output(wanted: dict[str, Any]) -> Output:
    """Return the output. Raise BadParameter if a member does not fit the others."""
    try:
        return Output.model_validate(wanted)
    except ValidationError as error:
        problem = problems_of(error)[0]
        hint = spelled_for_output(str(problem["loc"][0]))
        raise click.BadParameter(sentence_of(problem, error.title), param_hint=hint) from None
