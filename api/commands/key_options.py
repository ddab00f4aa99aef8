"""Options of `stylequeue keys`: owners, names, lanes, and expiry times."""

from __future__ import annotations

import re
from datetime import datetime

import click
from pydantic import TypeAdapter, ValidationError

from shared.configuration.list_settings import LaneList
from shared.policy.key_rules import check_lanes, moment_of_expiry
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, MAX_NAME, OWNER_IN_WORDS, OWNER_PATTERN, Scope

_LANES: TypeAdapter[tuple[Lane, ...]] = TypeAdapter(LaneList)


def owner_name(_: click.Context, __: click.Parameter, owner: str | None) -> str | None:
    if owner is not None and not re.fullmatch(OWNER_PATTERN, owner):
        raise click.BadParameter(OWNER_IN_WORDS)
    return owner


def keyed_owner(ctx: click.Context, parameter: click.Parameter, owner: str) -> str:
    """Return the name of an owner who may have keys."""
    if owner == ANONYMOUS_OWNER:
        raise click.BadParameter(
            f"'{ANONYMOUS_OWNER}' is the owner of what is submitted without a key; take another name"
        )
    owner_name(ctx, parameter, owner)
    return owner


def key_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if len(name) > MAX_NAME or not name.isprintable():
        raise click.BadParameter(f"it has up to {MAX_NAME} printable characters")
    return name


def lane_list(_: click.Context, __: click.Parameter, text: str | None) -> tuple[Lane, ...] | None:
    try:
        return None if text is None else _LANES.validate_python(text)
    except ValidationError as error:
        raise click.BadParameter(error.errors(include_url=False)[0]["msg"]) from None


def expiry(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """Return the time that `12h`, `90d`, `2w` (from now) or `2026-12-31` (its end, UTC) means."""
    try:
        return None if text is None else moment_of_expiry(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def scope_of(*, admin: bool, viewer: bool, metrics: bool, lanes: tuple[Lane, ...] | None) -> Scope:
    """Return the scope that the options choose.

    Raises:
        UsageError: the options contradict each other.
    """
    chosen = [
        scope
        for scope, wanted in ((Scope.ADMIN, admin), (Scope.VIEWER, viewer), (Scope.METRICS, metrics))
        if wanted
    ]
    if len(chosen) > 1:
        raise click.UsageError("a key has one scope: take one of --admin, --viewer and --metrics")
    scope = chosen[0] if chosen else Scope.USER
    try:
        check_lanes(scope, lanes)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return scope
