"""The options of `stylequeue submit` that say how to paint, all together as one `Params`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError

from shared.command_line.options import option
from shared.wire.descriptors import MAX_SIDE, MIN_SIDE, Params

PARAMS = Params()  # the defaults
MEMBERS: dict[str, tuple[click.ParamType[Any, Any], str]] = {
    "strength": (click.FloatRange(0, 1), "fast: 1 paints wholly in the style, 0 in the photo's own."),
    "max_side": (
        click.IntRange(MIN_SIDE, MAX_SIDE),
        "Longest side of a result, in pixels; a larger photo is scaled down.",
    ),
    "preserve_color": (
        click.Choice(["none", "luminance"]),
        "luminance: keep the photo's colors and take only the brightness.",
    ),
    "method": (
        click.Choice(["fast", "optimize"]),
        "optimize: minimize content and style loss over the pixels, which takes minutes.",
    ),
    "losses": (click.BOOL, "fast: have content and style loss measured."),
    "alpha": (click.FLOAT, "optimize, or with --losses: weight of the content loss."),
    "beta": (click.FLOAT, "optimize, or with --losses: weight of the style loss."),
    "total_variation": (click.FLOAT, "optimize: weight of the total variation."),
    "iterations": (click.INT, "optimize: steps of the minimization."),
    "init": (click.Choice(["fast", "content", "noise"]), "optimize: where it begins."),
    "levels": (click.INT, "optimize: sizes, from coarse to fine."),
    "seed": (click.INT, "optimize: seed of the noise that it begins with."),
    "max_seconds": (click.INT, "optimize: then take the best so far."),
}  # by the member of Params


def painting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command is given `params`."""

    @functools.wraps(command)
    def with_params(*arguments: Any, **options: Any) -> Any:
        wanted = {name: options.pop(name) for name in MEMBERS}
        return command(*arguments, params=_params(wanted), **options)

    for name, (kind, text) in reversed(MEMBERS.items()):
        with_params = painting_option(name, kind, text)(with_params)
    return with_params


def painting_option(name: str, kind: click.ParamType[Any, Any], text: str) -> Callable[..., Any]:
    """The option of one member of `Params`, with its default."""
    default = getattr(PARAMS, name)
    return option(
        _spelled(name),
        type=kind,
        is_flag=kind is click.BOOL,
        default=default,
        show_default=kind is not click.BOOL,
        help=text,
    )


def _spelled(name: str) -> str:
    return "--" + name.replace("_", "-")


def _params(wanted: dict[str, Any]) -> Params:
    """
    Raises:
        UsageError: some of them do not go together, or are out of their range.
    """
    try:
        return Params.model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise click.BadParameter(problem["msg"], param_hint=_spelled(str(problem["loc"][0]))) from None
