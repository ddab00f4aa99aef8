"""Options and output that lists have in common."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

import click
from rich.table import Table

from client.commands.tables import console
from shared.command_line.options import option
from shared.wire.operations.api_key import ALL_OWNERS, OWNER_IN_WORDS, OWNER_PATTERN

Item = TypeVar("Item")

json_option = option("--json", "as_json", is_flag=True, help="Print JSON, as the service returns it.")


def print_list(items: Iterable[Item], limit: int, draw: Callable[[list[Item]], Table], nothing: str) -> None:
    """Print the first items as a table, or `nothing` if there are none."""
    found = list(islice(items, limit))
    if found:
        console().print(draw(found))
    else:
        click.echo(nothing)


def list_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --limit to the options of `owner_options`."""
    limit = option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
    return limit(owner_options(command))


def owner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --owner and --all-owners; the command gets `owner`, which is None for the caller's own records."""

    @functools.wraps(command)
    def with_owner(*arguments: Any, all_owners: bool, **options: Any) -> Any:
        if all_owners and options["owner"]:
            raise click.UsageError("use either --owner or --all-owners")
        return command(*arguments, **{**options, "owner": ALL_OWNERS if all_owners else options["owner"]})

    every = option("--all-owners", is_flag=True, help="Records of all owners; needs an admin key.")
    return owner_option(every(with_owner))


def _owner_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and not re.fullmatch(OWNER_PATTERN, name):
        raise click.BadParameter(OWNER_IN_WORDS)
    return name


owner_option = option(
    "--owner", metavar="NAME", callback=_owner_name, help="Records of this owner; needs an admin key."
)
