"""`stylequeue audit`: show who did what, and when."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.conditions import moment
from client.commands.listing import owner_option, print_list
from client.commands.tables import folded, plain_table, whole
from client.http.lists import PAGE_SIZE
from shared.command_line.options import option
from shared.wire.operations.audit_records import Actor, AuditAction, AuditEntry, AuditFilter

TIME = "%Y-%m-%d %H:%M:%S"
AN_OPERATOR = "an operator"


@click.command("audit")
@option("--actor", metavar="TEXT", help="Only entries whose actor has this text in its owner, key or host.")
@option("--action", type=click.Choice([action.value for action in AuditAction]), metavar="ACTION")
@option("--since", metavar="TIME", callback=moment, help="A time in UTC, or 90m, 6h or 7d ago.")
@option("--until", metavar="TIME", callback=moment, help="The same.")
@owner_option
@option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each entry.")
@click.pass_obj
def audit(
    api: str,
    *,
    actor: str | None,
    action: str | None,
    since: str | None,
    until: str | None,
    owner: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show who did what to keys, lanes, workers and batches, newest first; with an admin key all of it."""
    wanted = AuditFilter(
        actor=actor or None, action=AuditAction(action) if action else None, since=since, until=until
    )
    with service_at(api) as queue:
        found = queue.audit.entries(wanted, owner=owner, page_size=min(limit, PAGE_SIZE))
        if as_json:
            for entry in islice(found, limit):
                click.echo(entry.model_dump_json(exclude_none=True))
        else:
            print_list(found, limit, _table, "No entries.")


def _table(entries: Iterable[AuditEntry]) -> Table:
    table = plain_table(whole("time"), folded("who"), whole("action"), folded("of"), folded("details"))
    for entry in entries:
        of = " of ".join(filter(None, (entry.subject, entry.owner)))
        details = ", ".join(f"{name} {value}" for name, value in entry.details.items())
        at = f"{entry.at.astimezone():{TIME}}"
        table.add_row(*map(Text, (at, who(entry.actor), entry.action.value, of, details)))
    return table


def who(actor: Actor | None) -> str:
    """Return an actor in words."""
    if actor is None:
        return AN_OPERATOR
    if actor.command_line:
        return f"command line of {actor.command_line}"
    if not actor.key_id:
        return f"{actor.owner}, without a key"
    return f"{actor.owner}, key {actor.key_id}" + (f" ({actor.key_name})" if actor.key_name else "")
