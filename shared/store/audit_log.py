"""The audit log in Redis: two bounded lists, of which each keeps its newest entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import redis

from shared.ids import first_audit_id, new_audit_id
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.job_filter import moment_of
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.operations.audit_records import (
    MAX_TEXT,
    Actor,
    AuditAction,
    AuditEntry,
    AuditFilter,
    AuditList,
    AuditPage,
)

MOST_ENTRIES = 10_000  # of each list
PER_SCAN = 200
SCANS_PER_PAGE = 10


class AuditLog:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, most: int = MOST_ENTRIES) -> None:
        self._redis = connection
        self._most = most
        self._scripts = Scripts(connection, ("note_action",))

    def add(self, entry: AuditEntry, into: AuditList = AuditList.OPERATORS) -> None:
        """Add an entry. It is written even if Redis is full."""
        text = entry.model_dump_json(exclude_none=True, exclude_defaults=True)
        self._scripts.run("note_action", into, f"{entry.id} {text}", self._most)

    def page(self, owner: str, wanted: AuditFilter, *, limit: int, cursor: str | None = None) -> AuditPage:
        """Return up to `limit` entries by or about an owner, or with ALL_OWNERS any, newest first.

        Looks at a few thousand entries at the most, so a page with rare matches may be short.
        """
        oldest = _first_id(wanted.since) or ""
        cursor = min(filter(None, (cursor, _first_id(wanted.until))), default=None)
        found: list[AuditEntry] = []
        for _ in range(SCANS_PER_PAGE):
            some, more = self._behind(cursor)
            recent = [text for text in some if text >= oldest]
            entries = filter(None, map(_read, recent))
            found += [each for each in entries if _is_of(each, owner) and _meets(each, wanted)]
            cursor = _id_of(some[-1]) if more and len(recent) == len(some) else None
            if len(found) > limit:
                found, cursor = found[:limit], found[limit - 1].id
            if cursor is None or len(found) >= limit:
                break
        return AuditPage(entries=tuple(found), next_cursor=cursor)

    def _behind(self, cursor: str | None) -> tuple[list[str], bool]:
        """Return the newest entries that are older than an id, as stored, and whether others may follow."""
        top = f"({cursor}" if cursor else "+"
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for name in AuditList:
                pipeline.zrevrangebylex(f"{PREFIX}audit:{name}", top, "-", start=0, num=PER_SCAN)
            lists = cast("list[list[str]]", pipeline.execute())
        merged = sorted((text for texts in lists for text in texts), reverse=True)
        more = len(merged) > PER_SCAN or any(len(texts) == PER_SCAN for texts in lists)
        return merged[:PER_SCAN], more


def new_entry(
    actor: Actor,
    action: AuditAction,
    *,
    subject: str | None = None,
    owner: str | None = None,
    request_id: str | None = None,
    details: Mapping[str, str | int | None] | None = None,
) -> AuditEntry:
    """Return an entry of now. Long texts are cut, and details that are None left out."""
    short: dict[str, str | int] = {
        name: value[:MAX_TEXT] if isinstance(value, str) else value
        for name, value in (details or {}).items()
        if value is not None
    }
    return AuditEntry(
        id=new_audit_id(),
        at=datetime.now(UTC),
        actor=actor,
        action=action,
        subject=subject and subject[:MAX_TEXT],
        owner=owner,
        request_id=request_id,
        details=short,
    )


def _id_of(text: str) -> str:
    return text.partition(" ")[0]


def _read(text: str) -> AuditEntry | None:
    """Return an entry; None if it is damaged, or has an action that only a newer version knows."""
    try:
        return AuditEntry.model_validate_json(text.partition(" ")[2])
    except ValueError:
        return None


def _first_id(moment: str | None) -> str | None:
    return first_audit_id(int(moment_of(moment).timestamp() * 1000)) if moment else None


def _is_of(entry: AuditEntry, owner: str) -> bool:
    return owner in (ALL_OWNERS, entry.owner, entry.actor and entry.actor.owner)


def _meets(entry: AuditEntry, wanted: AuditFilter) -> bool:
    return wanted.action in (None, entry.action) and (
        wanted.actor is None or any(wanted.actor.casefold() in name.casefold() for name in _names(entry))
    )


def _names(entry: AuditEntry) -> Sequence[str]:
    actor = entry.actor or Actor()
    return list(filter(None, (actor.owner, actor.key_id, actor.key_name, actor.command_line)))
