"""`stylequeue stats`: the last hour or day as numbers and small charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import click
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.listing import json_option
from client.commands.tables import console, duration, number, plain_table, whole
from shared.command_line.options import option
from shared.wire.operations.stats_records import STAGES, Point, Stats, Window

BLOCKS = "▁▂▃▄▅▆▇█"
BESIDE_CHART = 40  # columns
Value = float | None
Row = tuple[str, Sequence[Value], Callable[[float], str]]


@click.command("stats")
@option(
    "--window",
    type=click.Choice([window.value for window in Window]),
    default=Window.HOUR.value,
    show_default=True,
    help="The last hour, a point a minute, or the last day, a point each 15 minutes.",
)
@json_option
@click.pass_obj
def show_stats(api: str, window: str, as_json: bool) -> None:
    """Show what the service did in the last hour or day. It needs a key with the scope admin or metrics."""
    with service_at(api) as service:
        found = service.operations.stats(Window(window))
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    elif not found.points:
        click.echo("There are no points yet; a worker notes one at each sweep.")
    else:
        _print(found)


def sparkline(values: Sequence[Value], width: int) -> str:
    """Return blocks between 0 and the largest value, and a space for each unknown one.

    If there are more values than columns, a column has the largest of its values.
    """
    columns = min(width, len(values))
    edges = [index * len(values) // columns for index in range(columns + 1)] if columns else []
    parts = ([value for value in values[first:last] if value is not None] for first, last in pairwise(edges))
    tops = [max(part, default=None) for part in parts]
    most = max((top for top in tops if top is not None), default=0) or 1
    heights = (None if top is None else int(top / most * (len(BLOCKS) - 1) + 0.5) for top in tops)
    return "".join(" " if height is None else BLOCKS[height] for height in heights)


def rows(points: Sequence[Point]) -> list[Row]:
    """Return each series with its name and the way to write a value of it."""
    found: list[Row] = [
        ("pictures/s", [point.ended_per_second for point in points], "{:,.2f}".format),
        ("failed", [point.failure_rate for point in points], "{:.1%}".format),
        ("waiting", [point.queued for point in points], "{:,}".format),
        ("running", [point.running for point in points], "{:,}".format),
        ("oldest", [point.oldest_seconds for point in points], duration),
    ]
    for stage in STAGES:
        times = [point.stage_ms.get(stage) for point in points]
        if any(time is not None for time in times):
            found.append((f"{stage}, ms", times, "{:,.0f}".format))
    return found


def _print(found: Stats) -> None:
    out = console()
    table = plain_table(whole(""), number("now"), number("most"), whole(f"last {found.window}"))
    for name, values, write in rows(found.points):
        known = [value for value in values if value is not None]
        now = "-" if values[-1] is None else write(values[-1])
        most = write(max(known)) if known else "-"
        table.add_row(*map(Text, (name, now, most, sparkline(values, max(1, out.width - BESIDE_CHART)))))
    out.print(table)
