"""`stylequeue webhooks`: list, show, send and sign webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import receiver, service_at
from client.commands.listing import json_option, list_options, print_list
from client.commands.tables import (
    age,
    console,
    folded,
    number,
    owner_column,
    plain_table,
    summary,
    when,
    whole,
)
from client.http.lists import PAGE_SIZE
from shared.command_line.options import option
from shared.redaction import shown_url
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.webhook_records import Attempt, Delivery, DeliveryStatus, DeliveryView


@click.group()
def webhooks() -> None:
    """List webhooks, send them again, and show the secret that receivers verify them with."""


@webhooks.command("list")
@option("--status", "wanted", type=click.Choice([status.value for status in DeliveryStatus]))
@option("--job", "job_id", metavar="ID", help="Only webhooks about this job.")
@option("--batch", "batch_id", metavar="ID", help="Only webhooks about this batch.")
@list_options
@click.pass_obj
def list_deliveries(
    api: str, *, wanted: str | None, job_id: str | None, batch_id: str | None, limit: int, owner: str | None
) -> None:
    """List deliveries, newest first."""
    with service_at(api) as queue:
        found = queue.webhooks.deliveries(
            DeliveryStatus(wanted) if wanted else None,
            job_id=job_id,
            batch_id=batch_id,
            owner=owner,
            page_size=min(limit, PAGE_SIZE),
        )
        print_list(found, limit, partial(_table, with_owner=owner == ALL_OWNERS), "No deliveries.")


@webhooks.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@click.pass_obj
def show(api: str, delivery_id: str, *, as_json: bool) -> None:
    """Show one delivery with its attempts."""
    with service_at(api) as queue:
        delivery = queue.webhooks.delivery(delivery_id)
    if as_json:
        click.echo(delivery.model_dump_json(indent=2))
        return
    console().print(_summary(delivery))
    if delivery.log:
        console().print(_attempts(delivery.log))


@webhooks.command()
@click.argument("delivery_ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def redeliver(api: str, delivery_ids: tuple[str, ...]) -> None:
    """Send deliveries once more."""
    with service_at(api) as queue:
        for delivery_id in delivery_ids:
            queue.webhooks.redeliver(delivery_id)
    click.echo(f"{len(delivery_ids)} delivery(s) will be sent again.")


@webhooks.command()
@option(
    "--rotate", is_flag=True, help="Replace the secret. For a day, webhooks are also signed with the old one."
)
@click.pass_obj
def secret(api: str, *, rotate: bool) -> None:
    """Print the secret with which receivers verify webhooks."""
    with service_at(api) as queue:
        found = queue.webhooks.rotate_secret() if rotate else queue.webhooks.secret()
    click.echo(found.secret)
    if found.old_secret_signs_until:
        until = f"{found.old_secret_signs_until.astimezone():%Y-%m-%d %H:%M}"
        click.echo(f"Until {until}, webhooks are also signed with the previous secret.", err=True)


@webhooks.command()
@click.argument("url", callback=receiver)
@click.pass_obj
def test(api: str, url: str) -> None:
    """Send a test event to URL."""
    with service_at(api) as queue:
        delivery = queue.webhooks.test(url)
    click.echo(f"To see the result:\n\n    stylequeue webhooks show {delivery.id}")


def _table(deliveries: Iterable[Delivery], *, with_owner: bool) -> Table:
    columns = (whole("of"), whole("status"), whole("age"), folded("last attempt"))
    table = plain_table(whole("delivery"), *owner_column(with_owner), *columns)
    for each in deliveries:
        last = _result(each.last_attempt) if each.last_attempt else "-"
        owner = [each.owner or "-"] * with_owner
        table.add_row(*map(Text, (each.id, *owner, each.type, each.status.value, age(each.created_at), last)))
    return table


def _summary(delivery: DeliveryView) -> Table:
    lines = {
        "delivery": delivery.id,
        **({"owner": delivery.owner} if delivery.owner else {}),
        "of": delivery.type,
        "about": delivery.job_id or delivery.batch_id or "nothing",
        "to": shown_url(delivery.url),
        "status": delivery.status.value,
        "attempts": str(delivery.attempts),
        "made": when(delivery.created_at),
    }
    if delivery.next_attempt_at:
        lines["next attempt"] = f"{delivery.next_attempt_at.astimezone():%Y-%m-%d %H:%M:%S}"
    return summary(lines)


def _attempts(log: Iterable[Attempt]) -> Table:
    table = plain_table(whole("attempt"), number("ms"), folded("result"), folded("response"))
    for attempt in log:
        at = f"{attempt.at.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(*map(Text, (at, f"{attempt.duration_ms:.0f}", _result(attempt), attempt.answer or "")))
    return table


def _result(attempt: Attempt) -> str:
    return attempt.reason or str(attempt.status_code)
