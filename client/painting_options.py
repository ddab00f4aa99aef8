"""The options of `stylequeue submit` that say how to paint, all together as one `Params`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError

from shared.descriptors import MAX_SIDE, MIN_SIDE, Params

PARAMS = Params()  # the defaults
NAMES = (
    *("strength", "max_side", "preserve_color", "method", "losses"),
    *("alpha", "beta", "total_variation", "iterations", "init", "levels", "seed", "max_seconds"),
)
OPTIONS = (
    click.option(
        "--strength",
        type=click.FloatRange(0, 1),
        default=PARAMS.strength,
        show_default=True,
        help="1 paints wholly in the style, 0 not at all.",
    ),
    click.option(
        "--max-side",
        type=click.IntRange(MIN_SIDE, MAX_SIDE),
        default=PARAMS.max_side,
        show_default=True,
        help="Longest side of a result, in pixels.",
    ),
    click.option(
        "--preserve-color",
        type=click.Choice(["none", "luminance"]),
        default=PARAMS.preserve_color,
        show_default=True,
        help="luminance: keep the photo's colors and take only the brightness.",
    ),
    click.option(
        "--method",
        type=click.Choice(["fast", "optimize"]),
        default=PARAMS.method,
        show_default=True,
        help="optimize: minimize content and style loss over the pixels, which takes minutes.",
    ),
    click.option("--losses", is_flag=True, help="Have content and style loss measured."),
    click.option("--alpha", type=float, default=PARAMS.alpha, show_default=True, help="Of the content loss."),
    click.option("--beta", type=float, default=PARAMS.beta, show_default=True, help="Of the style loss."),
    click.option(
        "--total-variation",
        type=float,
        default=PARAMS.total_variation,
        show_default=True,
        help="optimize: weight of the noise.",
    ),
    click.option(
        "--iterations",
        type=int,
        default=PARAMS.iterations,
        show_default=True,
        help="optimize: steps of the minimization.",
    ),
    click.option(
        "--init",
        type=click.Choice(["fast", "content", "noise"]),
        default=PARAMS.init,
        show_default=True,
        help="optimize: where it begins.",
    ),
    click.option(
        "--levels",
        type=int,
        default=PARAMS.levels,
        show_default=True,
        help="optimize: sizes, from coarse to fine.",
    ),
    click.option(
        "--seed", type=int, default=PARAMS.seed, show_default=True, help="optimize: of noise to begin with."
    ),
    click.option("--max-seconds", type=int, metavar="N", help="optimize: then take the best so far."),
)


def painting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command is given `params`."""

    @functools.wraps(command)
    def with_params(*arguments: Any, **options: Any) -> Any:
        wanted = {name: options.pop(name) for name in NAMES}
        return command(*arguments, params=_params(wanted), **options)

    for option in reversed(OPTIONS):
        with_params = option(with_params)
    return with_params


def _params(wanted: dict[str, Any]) -> Params:
    """
    Raises:
        UsageError: some of them do not go together, or are out of their range.
    """
    try:
        return Params.model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option = "--" + str(problem["loc"][0]).replace("_", "-")
        raise click.BadParameter(problem["msg"], param_hint=option) from None
