"""`stylequeue queue`: the lanes and their workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.listing import json_option
from client.commands.tables import age, console, folded, number, plain_table, whole
from shared.wire.operations.queue_records import FleetView, LaneView, QueueOverview


@click.command("queue")
@json_option
@click.pass_obj
def show_queue(api: str, as_json: bool) -> None:
    """Show waiting and running jobs by lane, and the number of workers wanted."""
    with service_at(api) as service:
        overview = service.queue()
    if as_json:
        click.echo(overview.model_dump_json(indent=2))
        return
    console().print(lane_table(overview.lanes))
    click.echo(_words(overview))


def lane_table(lanes: tuple[LaneView, ...]) -> Table:
    numbers = map(number, ("waiting", "on their way", "running", "workers"))
    table = plain_table(whole("lane"), *numbers, whole("oldest"), folded(""))
    for lane in lanes:
        waiting = f"{lane.waiting + lane.scheduled:,}"
        cells = (lane.lane.value, waiting, f"{lane.dispatched:,}", f"{lane.held:,}", f"{lane.workers:,}")
        table.add_row(*map(Text, (*cells, _oldest(lane), _note(lane))))
    return table


def _oldest(lane: LaneView) -> str:
    seconds = lane.oldest_seconds
    return "-" if seconds is None else age(datetime.now(UTC) - timedelta(seconds=seconds))


def _note(lane: LaneView) -> str:
    if lane.paused:
        return "paused"
    return "no worker serves it" if lane.queued and not lane.workers else ""


def _words(overview: QueueOverview) -> str:
    own = ", ".join(f"{count:,} {status}" for status, count in overview.own.items()) or "none"
    workers = f"{overview.workers} worker(s), {overview.busy} of {overview.slots} slots busy"
    return "\n".join([f"{workers}, {_rate(overview)}", *map(_wanted, overview.fleets), f"Your jobs: {own}"])


def _wanted(fleet: FleetView) -> str:
    lanes = ", ".join(fleet.lanes)
    return f"Workers wanted for {lanes}: {fleet.desired_workers:,} (there are {fleet.workers:,})"


def _rate(overview: QueueOverview) -> str:
    if overview.capacity_per_second is None:
        return "no rate known yet"
    now = f"{overview.jobs_per_second:.3g}" if overview.jobs_per_second is not None else "?"
    return f"{now} jobs/s of {overview.capacity_per_second:.3g} jobs/s"
