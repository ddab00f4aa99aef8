"""`stylequeue owners`: what each owner uses, and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus

import click
from rich.table import Table
from rich.text import Text

from client.api_client import StyleQueue
from client.commands.arguments import service_at
from client.commands.listing import json_option
from client.commands.operate.usage_command import days_options, took_cells, took_columns, write_csv
from client.commands.tables import console, number, plain_table, summary, whole
from client.errors import RequestRefused
from shared.command_line.options import option
from shared.wire.operations.account_records import Took
from shared.wire.operations.owner_records import MOST_LIMIT, OwnerLimits, OwnerPage, OwnerView

LIMIT = click.IntRange(0, MOST_LIMIT)


class OwnerRow(Took):
    """One owner in a table for a spreadsheet."""

    owner: str


@click.group(invoke_without_command=True)
@days_options
@option("--csv", "as_csv", is_flag=True, help="Print what jobs took as CSV, with a header.")
@json_option
@click.pass_context
def owners(ctx: click.Context, first: date | None, last: date | None, *, as_csv: bool, as_json: bool) -> None:
    """Show what each owner has and took in 30 days or a span of days; `limits` sets an owner's limits.

    Needs an admin key.
    """
    if ctx.invoked_subcommand:
        return
    if as_csv and as_json:
        raise click.UsageError("use either --csv or --json")
    with service_at(ctx.obj) as service:
        found = list(service.owners.list(first=first, last=last))
    if as_json:
        click.echo(OwnerPage(owners=tuple(found)).model_dump_json(indent=2, exclude_none=True))
    elif as_csv:
        write_csv([OwnerRow(owner=each.owner, **_took(each).model_dump()) for each in found], OwnerRow)
    else:
        console().print(_table(found))


@owners.command()
@click.argument("owner")
@option("--max-running", type=LIMIT, help="Most running jobs; 0: any number.")
@option("--max-waiting", type=LIMIT, help="Most waiting jobs.")
@option("--usual", is_flag=True, help="Drop the owner's own limits; the service's limits hold again.")
@click.pass_obj
def limits(api: str, owner: str, max_running: int | None, max_waiting: int | None, *, usual: bool) -> None:
    """Show an owner's limits, or set those that are given."""
    with service_at(api) as service:
        given = {
            name: limit
            for name, limit in (("max_running", max_running), ("max_waiting", max_waiting))
            if limit is not None
        }
        if usual and given:
            raise click.UsageError("use either --usual or limits")
        if usual:
            seen = service.owners.limit(owner, OwnerLimits())
        elif given:
            seen = service.owners.limit(owner, _own_limits(service, owner).model_copy(update=given))
        else:
            seen = service.owners.get(owner)
    console().print(summary(_limits(seen)))


def _own_limits(service: StyleQueue, owner: str) -> OwnerLimits:
    """Return the owner's own limits; none for an owner that has nothing yet."""
    try:
        return service.owners.get(owner).limits
    except RequestRefused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        return OwnerLimits()


def _took(owner: OwnerView) -> Took:
    return owner.last_30_days if owner.span is None else owner.span


def _table(found: Sequence[OwnerView]) -> Table:
    columns = (*map(number, ("waiting", "running", "GB stored")), *map(number, took_columns()))
    table = plain_table(whole("owner"), *columns)
    for each in found:
        now = (f"{each.waiting:,}", f"{each.running:,}", f"{each.stored_bytes / 1e9:,.2f}")
        table.add_row(*map(Text, (each.owner, *now, *took_cells(_took(each)))))
    return table


def _limits(owner: OwnerView) -> dict[str, str]:
    own = owner.limits
    most_running = f"{owner.most_running:,}" if owner.most_running else "any number"
    return {
        "owner": owner.owner,
        "running": f"{owner.running:,} of {most_running}{_whose(own.max_running)}",
        "waiting": f"{owner.waiting:,} of {owner.most_waiting:,}{_whose(own.max_waiting)}",
        "stored": f"{owner.stored_bytes:,} of {owner.most_stored_bytes:,} bytes",
    }


def _whose(limit: int | None) -> str:
    return "" if limit is None else " (the owner's own limit)"
