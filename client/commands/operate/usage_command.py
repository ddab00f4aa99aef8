"""`stylequeue usage`: an owner's usage and its limits, and what the owner's jobs took."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.listing import json_option, owner_option
from client.commands.tables import console, number, plain_table, whole
from shared.command_line.options import option
from shared.wire.operations.account_records import Account, AccountRow, By, Took
from shared.wire.operations.usage_records import Usage

DAY = click.DateTime(["%Y-%m-%d"])
ROWS = click.Choice([each.value for each in By])


def _day(_: click.Context, __: click.Parameter, moment: datetime | None) -> date | None:
    return moment and moment.date()


def days_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --from and --to; the command gets `first` and `last`."""
    last = option("--to", "last", type=DAY, callback=_day, help="Last day; today if absent.")
    text = "First day, by UTC; if absent, there are 30 days."
    return option("--from", "first", type=DAY, callback=_day, help=text)(last(command))


@click.command("usage")
@owner_option
@days_options
@option(
    "--by",
    type=click.Choice([each.value for each in By]),
    default=By.DAY.value,
    show_default=True,
    help="What a row is about.",
)
@option("--csv", "as_csv", is_flag=True, help="Print what jobs took as CSV, with a header.")
@json_option
@click.pass_obj
def show_usage(
    api: str,
    owner: str | None,
    first: date | None,
    last: date | None,
    by: str,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show your usage and its limits, and what your jobs took by day or API key."""
    if as_csv and as_json:
        raise click.UsageError("use either --csv or --json")
    with service_at(api) as service:
        usage = service.usage(owner=owner, first=first, last=last, by=By(by))
    if as_json:
        click.echo(usage.model_dump_json(indent=2, exclude_none=True))
    elif as_csv:
        write_csv(usage.account.rows if usage.account else [], AccountRow)
    else:
        _print(usage)


def write_csv(rows: Sequence[Took], model: type[Took]) -> None:
    """Write rows with a column for each member of the model; a member that is absent is empty."""
    lines = csv.DictWriter(sys.stdout, list(model.model_fields), lineterminator="\n")
    lines.writeheader()
    lines.writerows(row.model_dump(mode="json") for row in rows)


def took_columns() -> list[str]:
    return ["jobs", "succeeded", "failed", "megapixels", "device", "MB in", "MB out"]


def took_cells(took: Took) -> list[str]:
    numbers = (took.jobs, took.succeeded, took.failed)
    millions = (f"{each / 1e6:,.1f}" for each in (took.bytes_in, took.bytes_out))
    device = f"{took.device_seconds:,.1f} s"
    return [*(f"{each:,}" for each in numbers), f"{took.pixels / 1e6:,.1f}", device, *millions]


def _print(usage: Usage) -> None:
    table = plain_table(whole("what"), number("used"), number("limit"))
    for name, amount in usage.quotas().items():
        table.add_row(name.replace("_", " "), f"{amount.used:,}", f"{amount.limit:,}")
    console().print(table)
    if usage.account:
        console().print(_account_table(usage.account))


def _account_table(account: Account) -> Table:
    table = plain_table(whole(account.by.value), *map(number, took_columns()))
    for row in account.rows:
        name = str(row.day) if row.day else row.key_id or "no key"
        table.add_row(*map(Text, (name, *took_cells(row))))
    span = f"{account.first_day} to {account.last_day}"
    table.add_row(*map(Text, (span, *took_cells(account.total))))
    return table
