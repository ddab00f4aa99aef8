"""Entries of the audit log for commands, which act on Redis and the storage without the API."""

from __future__ import annotations

import getpass
import os
import socket

import click

from shared.errors import StyleQueueError
from shared.store.audit_log import AuditLog, new_entry
from shared.wire.operations.audit_records import Actor, AuditAction

MAX_NAME = 64  # characters of a host's or a user's name


def note_command(
    log: AuditLog,
    action: AuditAction,
    *,
    subject: str | None = None,
    owner: str | None = None,
    **details: str | int | None,
) -> None:
    """Note what a command has done. If Redis does not take the entry, warn: the action itself stands."""
    entry = new_entry(Actor(command_line=_here()), action, subject=subject, owner=owner, details=details)
    try:
        log.add(entry)
    except StyleQueueError as error:
        click.echo(f"The audit log did not take this: {error.detail}", err=True)


def _here() -> str:
    """Return HOST/USER of this process."""
    return f"{socket.gethostname()[:MAX_NAME]}/{_user()[:MAX_NAME]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
