"""Options that choose jobs by what they are: lane, tag, error code, name, text, time."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from shared.command_line.options import option
from shared.wire.descriptors import Lane
from shared.wire.job_filter import Conditions, Moment
from shared.wire.sentences import problems_of, sentence_of

_MOMENT: TypeAdapter[str] = TypeAdapter(Moment)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def condition_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of Conditions; the command gets `conditions`."""

    @functools.wraps(command)
    def with_conditions(*arguments: Any, **options: Any) -> Any:
        chosen = {name: options.pop(name) for name in Conditions.model_fields}
        try:
            conditions = Conditions(**chosen)
        except ValidationError as error:
            first = problems_of(error)[0]
            name = str(first["loc"][0]).removesuffix("_id" if first["loc"][0] == "batch_id" else "")
            raise click.UsageError(f"--{name.replace('_', '-')}: {sentence_of(first, error.title)}") from None
        return command(*arguments, conditions=conditions, **options)

    for add in reversed(_OPTIONS):
        with_conditions = add(with_conditions)
    return with_conditions


def moment(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """Return the time that a text means: a time in UTC, or so long ago."""
    if text is None:
        return None
    if ago := re.fullmatch(r"([0-9]{1,4})([mhd])", text):
        moment = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    try:
        return _MOMENT.validate_python(text)
    except ValidationError:
        raise click.BadParameter("give a time in UTC like 2026-05-31T18:00:00Z, or 90m, 6h or 7d") from None


_OPTIONS = (
    option("--lane", type=click.Choice([lane.value for lane in Lane]), help="Only jobs of this lane."),
    option("--tag", help="Only jobs with this tag."),
    option("--batch", "batch_id", metavar="ID", help="Only jobs of this batch."),
    option("--code", help="Only jobs whose error has this code."),
    option("--custom-id", help="Only jobs with this custom_id."),
    option("--text", help="Only jobs with this text in custom_id, tags, metadata or error."),
    option("--created-after", metavar="TIME", callback=moment, help="A time in UTC, or 90m, 6h or 7d ago."),
    option("--created-before", metavar="TIME", callback=moment, help="The same."),
)
