"""Tables that compare simulated plans."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.table import Table

from client.commands.tables import console, number, plain_table, whole
from simulation.outcome import Outcome, Spread


def show(outcomes: Sequence[Outcome], price: float | None) -> None:
    first = outcomes[0]
    click.echo(f"{first.jobs:,} jobs. Seconds that they waited for a worker, and what that took:\n")
    console().print(_plans(outcomes, price))
    if len(first.lanes) > 1:
        click.echo("The same by lane:\n")
        console().print(_lanes(outcomes))


def _plans(outcomes: Sequence[Outcome], price: float | None) -> Table:
    headings = ["p50", "p90", "p99", "done p90", "workers", "at most", "busy", "worker-h"]
    table = plain_table(whole("plan"), *map(number, [*headings, *([] if price is None else ["cost"])]))
    for outcome in outcomes:
        costs = [] if price is None else [f"{outcome.cost(price):,.2f}"]
        fleet = [f"{outcome.mean_workers:.1f}", str(outcome.most_workers), f"{outcome.utilization:.0%}"]
        times = [*_waited(outcome.waited()), _short(outcome.stayed().p90)]
        table.add_row(outcome.plan.name, *times, *fleet, f"{outcome.worker_hours:,.1f}", *costs)
    return table


def _lanes(outcomes: Sequence[Outcome]) -> Table:
    table = plain_table(whole("plan"), whole("lane"), *map(number, ("jobs", "p50", "p90", "p99")))
    for outcome in outcomes:
        for lane, times in outcome.lanes.items():
            waited = _waited(Spread.of(times.waited))
            table.add_row(outcome.plan.name, str(lane), f"{len(times.waited):,}", *waited)
    return table


def _waited(spread: Spread) -> list[str]:
    return [_short(seconds) for seconds in (spread.p50, spread.p90, spread.p99)]


def _short(seconds: float) -> str:
    """Return the number with more decimals the smaller it is."""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"  # noqa: PLR2004
