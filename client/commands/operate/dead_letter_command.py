"""`stylequeue dead-letters`: list failed jobs, and queue them again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.conditions import condition_options
from client.commands.listing import list_options, owner_options, print_list
from client.commands.tables import age, folded, owner_column, plain_table, whole
from client.errors import why_there_is_no_picture
from client.http.lists import PAGE_SIZE
from shared.command_line.options import option
from shared.wire.job_filter import Conditions
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobView


@click.group("dead-letters")
def dead_letters() -> None:
    """List failed jobs, and queue them again."""


@dead_letters.command("list")
@condition_options
@list_options
@click.pass_obj
def list_dead_letters(api: str, *, conditions: Conditions, limit: int, owner: str | None) -> None:
    """List the failed jobs that meet all conditions, with their reasons, the newest submission first."""
    with service_at(api) as queue:
        found = queue.dead_letters.list(conditions=conditions, owner=owner, page_size=min(limit, PAGE_SIZE))
        print_list(found, limit, partial(_table, with_owner=owner == ALL_OWNERS), "No dead letters.")


@dead_letters.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@option("--all", "everything", is_flag=True, help="Queue all dead letters again.")
@option("--code", help="Queue all dead letters with this error code again.")
@owner_options
@click.pass_obj
def replay(
    api: str, *, job_ids: tuple[str, ...], code: str | None, everything: bool, owner: str | None
) -> None:
    """Queue dead letters again, with all their attempts. An admin may name jobs of any owner."""
    if [bool(job_ids), everything, bool(code)].count(True) != 1:
        raise click.UsageError("give ids, or --code, or --all")
    if job_ids and owner:
        raise click.UsageError("ids need no owner")
    with service_at(api) as queue:
        if job_ids:
            replayed = len([queue.dead_letters.replay(job_id) for job_id in job_ids])
        else:
            replayed = queue.dead_letters.replay_all(code, owner=owner)
    click.echo(f"{replayed} job(s) queued again.")


def _table(jobs: Iterable[JobView], *, with_owner: bool) -> Table:
    table = plain_table(whole("job"), *owner_column(with_owner), whole("age"), folded("why"))
    for job in jobs:
        why = why_there_is_no_picture(job.status, job.error)
        table.add_row(*map(Text, (job.id, *([job.owner or "-"] * with_owner), age(job.created_at), why)))
    return table
