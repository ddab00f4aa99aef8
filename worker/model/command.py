"""`stylequeue model`: what a worker can do with a model, before it serves one."""

from __future__ import annotations

from pathlib import Path

import click

from shared.errors import ModelUnavailable
from shared.settings import settings_or_exit


@click.group()
def model() -> None:
    """Check what workers can do with a model."""


@model.command()
@click.argument("handle", required=False)
def check(handle: str | None) -> None:
    """Load the model HANDLE and say what workers can do with it.

    HANDLE is a TensorFlow Hub URL, the path of a SavedModel, or 'embedded'; without it, STYLEQUEUE_MODEL.
    """
    settings = settings_or_exit()
    try:
        for line in findings(handle or settings.model, settings.cache_dir):
            click.echo(line)
    except ModelUnavailable as error:
        raise click.ClickException(error.detail) from None


def findings(handle: str, cache_dir: Path) -> list[str]:
    """
    Raises:
        ModelUnavailable: it cannot be loaded or does not stylize.
    """
    from worker.model.mixed_sizes.values import CannotMix  # noqa: PLC0415 - TensorFlow takes seconds to import
    from worker.model.stylizer import MIN_SIDE, Stylizer  # noqa: PLC0415

    stylizer = Stylizer(handle, cache_dir, mixes_sizes=False)
    stylizer.warm_up()
    lines = [f"{handle}: stylizes pictures of any size on {stylizer.device}"]
    if stylizer.halves is None:
        return [
            *lines,
            "styles: not separable; each picture computes its style anew, without blends or strength",
            "sizes: not mixed; pictures of different sizes run in calls of their own",
        ]
    lines.append(
        f"styles: separable, {stylizer.halves.parameter_count} numbers each; cached, blended, weakened"
    )
    if stylizer.bands:
        lines.append("large pictures: painted exactly in bands of rows, so memory does not limit their size")
    try:
        stylizer.halves.mixed(MIN_SIDE)
    except CannotMix as error:
        return [*lines, f"sizes: not mixed ({error}); pictures of different sizes run in calls of their own"]
    return [*lines, "sizes: mixed exactly; on a GPU, pictures of different sizes share compiled calls"]
