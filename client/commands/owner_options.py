"""The options of lists that say whose records an operator wants to see."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from shared.command_line.options import option
from shared.wire.api_key import ALL_OWNERS, OWNER_IN_WORDS, OWNER_PATTERN


def owner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --owner and --all-owners; the command is given `owner`, which is None for the caller's own."""

    @functools.wraps(command)
    def with_owner(*arguments: Any, all_owners: bool, **options: Any) -> Any:
        if all_owners and options["owner"]:
            raise click.UsageError("take either --owner or --all-owners")
        owner = ALL_OWNERS if all_owners else options.pop("owner", None)
        return command(*arguments, **{**options, "owner": owner})

    every = option("--all-owners", is_flag=True, help="What all owners have; takes an admin key.")
    return owner_option(every(with_owner))


def _owner_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and not re.fullmatch(OWNER_PATTERN, name):
        raise click.BadParameter(OWNER_IN_WORDS)
    return name


owner_option = option(
    "--owner", metavar="NAME", callback=_owner_name, help="What this owner has; takes an admin key."
)
