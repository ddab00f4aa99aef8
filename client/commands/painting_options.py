"""The options of `stylequeue submit` that are members of `Params`."""

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
    "strength": (click.FloatRange(0, 1), "fast: 1 is the full style, 0 the photo's own."),
    "max_side": (
        click.IntRange(MIN_SIDE, MAX_SIDE),
        "Longest side of a result, in pixels; larger photos are scaled down.",
    ),
    "preserve_color": (
        click.Choice(["none", "luminance"]),
        "luminance: keep the photo's colors and change only the brightness.",
    ),
    "method": (
        click.Choice(["fast", "optimize"]),
        "optimize: minimize content and style loss over the pixels; this takes minutes.",
    ),
    "losses": (click.BOOL, "fast: measure content and style loss."),
    "alpha": (click.FLOAT, "optimize, or with --losses: weight of the content loss."),
    "beta": (click.FLOAT, "optimize, or with --losses: weight of the style loss."),
    "total_variation": (click.FLOAT, "optimize: weight of the total variation."),
    "iterations": (click.INT, "optimize: steps of the minimization."),
    "init": (click.Choice(["fast", "content", "noise"]), "optimize: the first picture."),
    "levels": (click.INT, "optimize: number of sizes, from coarse to fine."),
    "seed": (click.INT, "optimize: seed of the noise in the first picture."),
    "max_seconds": (click.INT, "optimize: time limit, after which the best picture so far counts."),
}


def painting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `params`."""

    @functools.wraps(command)
    def with_params(*arguments: Any, **options: Any) -> Any:
        wanted = {name: options.pop(name) for name in MEMBERS}
        return command(*arguments, params=_params(wanted), **options)

    for name, (kind, text) in reversed(MEMBERS.items()):
        with_params = painting_option(name, kind, text)(with_params)
    return with_params


def painting_option(name: str, kind: click.ParamType[Any, Any], text: str) -> Callable[..., Any]:
    """Return the option of one member of `Params`, with its default."""
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
    """Return the params. Raise BadParameter if one is out of range or does not fit the others."""
    try:
        return Params.model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise click.BadParameter(problem["msg"], param_hint=_spelled(str(problem["loc"][0]))) from None
