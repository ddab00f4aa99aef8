"""`stylequeue batch`: show, list, cancel and retry batches."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import get_args

import click

from client.api.batches import Retried
from client.commands.arguments import command_for, service_at
from client.commands.batch_tables import batch_summary, batch_table, result_table
from client.commands.listing import json_option, list_options, print_list
from client.commands.tables import console
from client.http.lists import PAGE_SIZE
from shared.command_line.options import option
from shared.wire.batch_records import BatchView
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import FINAL, JobStatus


@click.group()
def batch() -> None:
    """Show, list, steer, cancel and retry batches."""


@batch.command()
@click.argument("batch_id", metavar="ID")
@json_option
@click.pass_obj
def status(api: str, batch_id: str, as_json: bool) -> None:
    """Show one batch."""
    with service_at(api) as queue:
        found = queue.batches.get(batch_id)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        console().print(batch_summary(found))


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.pass_obj
def cancel(api: str, batch_id: str) -> None:
    """Cancel a batch. No further job of it starts; running ones end as soon as their workers let go."""
    with service_at(api) as queue:
        now = queue.batches.cancel(batch_id)
    counts = f"{now.counts.get(JobStatus.CANCELED, 0)} of {now.total} job(s) canceled"
    letting_go, left = now.counts.get(JobStatus.CANCELING, 0), now.counts.get(JobStatus.QUEUED, 0)
    more = f", {letting_go} letting go" * bool(letting_go) + f", {left} more in a moment" * bool(left)
    click.echo(f"Batch {now.id} is {now.status}: {counts}{more}.")


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.pass_obj
def pause(api: str, batch_id: str) -> None:
    """Let no further job of a batch start. Running jobs go on."""
    with service_at(api) as queue:
        now = queue.batches.pause(batch_id)
    click.echo(f"Batch {now.id} is paused: {_left(now)}.")


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.pass_obj
def resume(api: str, batch_id: str) -> None:
    """Let the jobs of a paused batch start again."""
    with service_at(api) as queue:
        now = queue.batches.resume(batch_id)
    click.echo(f"Batch {now.id} goes on: {_left(now)}.")


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.pass_obj
def first(api: str, batch_id: str) -> None:
    """Let a batch go before its owner's other waiting jobs."""
    with service_at(api) as queue:
        now = queue.batches.move_first(batch_id)
    click.echo(f"Batch {now.id} goes first: {_left(now)}.")


@batch.command("lane")
@click.argument("batch_id", metavar="ID")
@click.argument("lane", type=click.Choice([lane.value for lane in FAST_LANES]))
@click.pass_obj
def change_lane(api: str, batch_id: str, lane: str) -> None:
    """Let the waiting jobs of a batch go to another lane, in their order. Running jobs keep theirs."""
    with service_at(api) as queue:
        now = queue.batches.change_lane(batch_id, Lane(lane))
    goes = "is going" if now.moving_to else "has gone"
    click.echo(f"Batch {now.id} {goes} to the lane {lane}: {_left(now)}.")


@batch.command()
@click.argument("batch_id", metavar="ID")
@option(
    "--only",
    type=click.Choice(get_args(Retried)),
    default="failed",
    show_default=True,
    help="Status of the jobs to retry.",
)
@option("--permanent", is_flag=True, help="Also retry jobs whose error a retry cannot fix.")
@click.pass_obj
def retry(api: str, batch_id: str, only: Retried, *, permanent: bool) -> None:
    """Retry jobs of a batch that ended without a picture.

    Jobs whose error a retry cannot fix are skipped, unless --permanent is given.
    """
    with service_at(api) as queue:
        now = queue.batches.retry(batch_id, only, permanent=permanent)
    left = now.total - now.progress.finished
    click.echo(f"Batch {now.id} is {now.status}: {left} of {now.total} job(s) to do.")
    failed = now.counts.get(JobStatus.FAILED, 0)
    if failed and not permanent and only in {"failed", "all"}:
        click.echo(
            f"{failed} job(s) cannot be painted; a retry would not help. To retry them nevertheless:\n"
        )
        click.echo(f"    {command_for(api)} batch retry {batch_id} --permanent")


@batch.command()
@click.argument("batch_id", metavar="ID")
@option("--status", "wanted", type=click.Choice(sorted(status.value for status in FINAL)))
@option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most rows of the table.")
@option("--json", "as_json", is_flag=True, help="Print all rows, each as a line of JSON.")
@click.pass_obj
def results(api: str, batch_id: str, wanted: str | None, limit: int, as_json: bool) -> None:
    """List the jobs of a batch that have ended, in the order of their ends."""
    with service_at(api) as queue:
        rows = queue.batches.results(batch_id, status=JobStatus(wanted) if wanted else None)
        if as_json:
            for row in rows:
                click.echo(row.model_dump_json(exclude_none=True))
            return
        found = list(islice(rows, limit + 1))
    if not found:
        click.echo("No results.")
        return
    out = console()
    out.print(result_table(found[:limit], out.width))
    if len(found) > limit:
        click.echo("... and more; --limit shows more, --json prints all.")


def _left(now: BatchView) -> str:
    return f"{now.total - now.progress.finished} of {now.total} job(s) to do"


@batch.command("list")
@list_options
@click.pass_obj
def list_batches(api: str, *, limit: int, owner: str | None) -> None:
    """List batches, newest first."""
    with service_at(api) as queue:
        found = queue.batches.list(page_size=min(limit, PAGE_SIZE), owner=owner)
        print_list(found, limit, partial(batch_table, with_owner=owner == ALL_OWNERS), "No batches.")
