"""`stylequeue keys`: make, list and revoke API keys, for anybody with access to the service's Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import redis

from api.commands.audited import note_command
from api.commands.key_options import expiry, key_name, keyed_owner, lane_list, owner_name, scope_of
from shared.command_line.operator_settings import operator_settings
from shared.command_line.options import option
from shared.command_line.standard_output import make_printable
from shared.errors import StyleQueueError
from shared.store.adoption import Adoption, Holdings
from shared.store.api_keys import KeyStore
from shared.store.audit_log import AuditLog
from shared.store.redis.connection import connect
from shared.store.redis.fitness import refuse_unfit_redis
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, ApiKey, Scope
from shared.wire.operations.audit_records import AuditAction

HEADER = ("id", "owner", "scope", "lanes", "created (UTC)", "expires", "last used", "name")
TIME = "%Y-%m-%d %H:%M"


@click.group()
def keys() -> None:
    """Make, list and revoke API keys.

    They are in the Redis that STYLEQUEUE_REDIS_URL names, or else in the stack that 'stylequeue up' runs in
    this folder.
    """


@keys.command()
@click.argument("owner", callback=keyed_owner)
@option("--admin", is_flag=True, help="Also allow other owners' jobs and the operation of the service.")
@option("--viewer", is_flag=True, help="Only allow reading OWNER's jobs, batches and results.")
@option(
    "--metrics",
    is_flag=True,
    help="Only allow reading metrics and the queue's counts, for Prometheus and KEDA.",
)
@option(
    "--lanes", metavar="LANE,...", callback=lane_list, help="Lanes that the key may submit to. Default: all."
)
@option(
    "--expires",
    metavar="TIME",
    callback=expiry,
    help="Expire after 12h, 90d or 2w, or at the end of a day (UTC) like 2026-12-31. Default: never.",
)
@option("--name", default="", callback=key_name, help="Note about the key's purpose, for the list.")
@option(
    "--adopt",
    "adopts",
    is_flag=True,
    help="Also give OWNER everything that was submitted without a key, like `adopt`.",
)
def create(
    owner: str,
    *,
    admin: bool,
    viewer: bool,
    metrics: bool,
    lanes: tuple[Lane, ...] | None,
    expires: datetime | None,
    name: str,
    adopts: bool,
) -> None:
    """Make a key and print it. It cannot be shown again, because only its digest is kept."""
    scope = scope_of(admin=admin, viewer=viewer, metrics=metrics, lanes=lanes)
    if metrics and adopts:
        raise click.UsageError("a metrics key cannot read jobs, so it takes no --adopt")
    with _connection(to_begin=True) as connection:
        store = KeyStore(connection)
        first = store.is_empty()
        text, key = store.create(owner, scope, name, expires_at=expires, lanes=lanes)
        click.echo(text)
        until = f", valid until {key.expires_at:{TIME}} UTC" if key.expires_at else ""
        click.echo(f"{key.scope} key {key.id} of {owner}{until}; it is not shown again", err=True)
        _note(connection, AuditAction.KEY_CREATED, key)
        if first:
            click.echo("It is the first one: from now on every request needs a key", err=True)
        if adopts:
            _adopt(connection, owner)
        elif first:
            _print_orphans(Adoption(connection).orphans(), "OWNER" if metrics else owner)


@keys.command("list")
@click.argument("owner", required=False, callback=owner_name)
def list_keys(owner: str | None) -> None:
    """List the keys of an owner, or all."""
    with _connection() as connection:
        store = KeyStore(connection)
        found, used = store.keys(owner), store.last_used()
    if not found:
        click.echo("No keys.")
        return
    rows = [HEADER, *(_row(key, used.get(key.id)) for key in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke a key. Within a second, the service refuses requests with it."""
    with _connection() as connection:
        store = KeyStore(connection)
        key = store.get(key_id)
        if key is None or not store.revoke(key_id):
            raise click.ClickException(f"There is no key {key_id}; 'stylequeue keys list' shows their ids")
        _note(connection, AuditAction.KEY_REVOKED, key)
        last = store.is_empty()
    click.echo(f"Key {key_id} is revoked.")
    if last:
        click.echo("It was the last one: on the service's machine, requests need no key now", err=True)


@keys.command()
@click.argument("owner", callback=keyed_owner)
def adopt(owner: str) -> None:
    """Give OWNER everything that was submitted without a key: jobs, batches, their pictures and webhooks.

    If interrupted, run it again to continue. It cannot be undone.
    """
    with _connection() as connection:
        if all(key.scope is Scope.METRICS for key in KeyStore(connection).keys(owner)):
            raise click.ClickException(
                f"{owner} has no key that can read jobs; make one: stylequeue keys create {owner} --adopt"
            )
        _adopt(connection, owner)


def _adopt(connection: redis.Redis, owner: str) -> None:
    adoption = Adoption(connection)
    given, left = adoption.adopt(owner), adoption.orphans()
    note_command(
        AuditLog(connection),
        AuditAction.RECORDS_ADOPTED,
        subject=ANONYMOUS_OWNER,
        owner=owner,
        jobs=given.jobs,
        batches=given.batches,
    )
    click.echo(f"{_counted(given)} submitted without a key: they belong to {owner} now", err=True)
    if left:
        click.echo(
            f"{_counted(left)} are left, because they are being submitted. In a minute run it again:\n\n"
            f"    stylequeue keys adopt {owner}\n",
            err=True,
        )


def _note(connection: redis.Redis, action: AuditAction, key: ApiKey) -> None:
    """Note in the audit log that a key was made or revoked."""
    expires = f"{key.expires_at:{TIME}}" if key.expires_at else None
    details = {"scope": key.scope, "name": key.name or None, "expires": expires}
    note_command(AuditLog(connection), action, subject=key.id, owner=key.owner, **details)


def _print_orphans(orphans: Holdings, owner: str) -> None:
    if orphans:
        click.echo(
            f"{_counted(orphans)} were submitted without a key. Only admins reach them now. "
            f"To give them to {owner}:\n\n    stylequeue keys adopt {owner}\n",
            err=True,
        )


def _counted(holdings: Holdings) -> str:
    return f"{holdings.jobs:,} job(s) and {holdings.batches:,} batch(es)"


def _row(key: ApiKey, last_used: datetime | None) -> tuple[str, ...]:
    expires = f"{key.expires_at:{TIME}}" if key.expires_at else "never"
    return (
        key.id,
        key.owner,
        key.scope,
        "all" if key.lanes is None else ",".join(key.lanes),
        f"{key.created_at:{TIME}}",
        f"{expires} (expired)" if key.has_expired else expires,
        f"{last_used:{TIME}}" if last_used else "never",
        key.name,
    )


@contextmanager
def _connection(*, to_begin: bool = False) -> Iterator[redis.Redis]:
    """Yield a connection to the service's Redis.

    `to_begin` refuses a Redis that the service would refuse. Without it keys can still be revoked.
    """
    settings = operator_settings()
    connection = connect(settings.redis_url)
    try:
        if to_begin:
            refuse_unfit_redis(settings)
        yield connection
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error
    finally:
        connection.close()


if __name__ == "__main__":
    make_printable()
    keys(prog_name="stylequeue keys")
