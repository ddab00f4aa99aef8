"""`stylequeue keys`: API keys, made, listed and revoked by whoever may reach the service's Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click

from shared.api_key import MAX_NAME, OWNER_PATTERN, ApiKey, Scope
from shared.errors import StyleQueueError
from shared.key_store import KeyStore
from shared.options import option
from shared.redis_client import connect
from shared.settings import settings_or_exit
from shared.standard_output import make_printable

ROW = "{:<12}  {:<20}  {:<5}  {:<16}  {:<16}  {}"
TIME = "%Y-%m-%d %H:%M"


def _owner(_: click.Context, __: click.Parameter, owner: str | None) -> str | None:
    if owner is not None and not re.fullmatch(OWNER_PATTERN, owner):
        raise click.BadParameter("a name has 1 to 40 characters of a-z, 0-9 and -")
    return owner


def _name(_: click.Context, __: click.Parameter, name: str) -> str:
    if len(name) > MAX_NAME or not name.isprintable():
        raise click.BadParameter(f"it has up to {MAX_NAME} printable characters")
    return name


@click.group()
def keys() -> None:
    """Make, list and revoke API keys. They are in the Redis that STYLEQUEUE_REDIS_URL names."""


@keys.command()
@click.argument("owner", callback=_owner)
@option("--admin", is_flag=True, help="Also good for what concerns the service as a whole.")
@option("--name", default="", callback=_name, help="What it is for; shown in the list.")
def create(owner: str, admin: bool, name: str) -> None:
    """Make a key and print it. It is shown this once: only its digest is kept."""
    with _key_store() as store:
        first = store.is_empty()
        text, key = store.create(owner, Scope.ADMIN if admin else Scope.USER, name)
    click.echo(text)
    click.echo(f"{key.scope} key {key.id} of {owner}; it is not shown again", err=True)
    if first:
        click.echo("It is the first one: from now on every request needs a key", err=True)


@keys.command("list")
@click.argument("owner", required=False, callback=_owner)
def list_keys(owner: str | None) -> None:
    """List the keys of an owner, or all."""
    with _key_store() as store:
        found, used = store.keys(owner), store.last_used()
    if not found:
        click.echo("No keys.")
        return
    click.echo(ROW.format("id", "owner", "scope", "created (UTC)", "last used", "name").rstrip())
    for key in found:
        last = f"{used[key.id]:{TIME}}" if key.id in used else "never"
        click.echo(_row(key, last))


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke a key: from the next second on it is good for nothing."""
    with _key_store() as store:
        if not store.revoke(key_id):
            raise click.ClickException(f"There is no key {key_id}; 'stylequeue keys list' shows their ids")
        last = store.is_empty()
    click.echo(f"Key {key_id} is revoked.")
    if last:
        click.echo("It was the last one: whoever is on the service's machine needs none now", err=True)


def _row(key: ApiKey, last_used: str) -> str:
    created = f"{key.created_at:{TIME}}"
    return ROW.format(key.id, key.owner, key.scope, created, last_used, key.name).rstrip()


@contextmanager
def _key_store() -> Iterator[KeyStore]:
    connection = connect(settings_or_exit().redis_url)
    try:
        yield KeyStore(connection)
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error
    finally:
        connection.close()


if __name__ == "__main__":
    make_printable()
    keys(prog_name="stylequeue keys")
