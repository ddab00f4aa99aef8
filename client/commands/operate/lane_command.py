"""`stylequeue lanes`: show, pause and resume lanes."""

from __future__ import annotations

import click

from client.commands.arguments import service_at
from client.commands.operate.queue_command import lane_table
from client.commands.tables import console
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneState

lane_argument = click.argument("lane", type=click.Choice([lane.value for lane in Lane]))


@click.group(invoke_without_command=True)
@click.pass_context
def lanes(ctx: click.Context) -> None:
    """Show the lanes; `pause` and `resume` one of them."""
    if ctx.invoked_subcommand:
        return
    with service_at(ctx.obj) as queue:
        found = queue.queue().lanes
    console().print(lane_table(found))


@lanes.command()
@lane_argument
@click.pass_obj
def pause(api: str, lane: str) -> None:
    """Stop starting jobs of a lane. The service still accepts jobs, and running jobs go on."""
    with service_at(api) as queue:
        state = queue.operations.pause(Lane(lane))
    click.echo(f"Lane {lane} is paused: {_counts(state)}.")


@lanes.command()
@lane_argument
@click.pass_obj
def resume(api: str, lane: str) -> None:
    """Let the jobs of a paused lane start again."""
    with service_at(api) as queue:
        state = queue.operations.resume(Lane(lane))
    click.echo(f"Lane {lane} goes on: {_counts(state)}.")


def _counts(state: LaneState) -> str:
    return f"{state.queued:,} waiting, {state.held:,} running"
