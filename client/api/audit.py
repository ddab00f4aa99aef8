"""The audit log: who did what, and when."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from client.blocking import Facade, blocking, blocking_iterator
from client.http.answers import parsed
from client.http.lists import PAGE_SIZE, pages, path_of, query_of
from client.http.transport import Transport
from shared.wire.operations.audit_records import AuditEntry, AuditFilter, AuditPage

EVERY_ENTRY = AuditFilter()


class AsyncAudit:
    """The part of `AsyncStyleQueue` for the audit log."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def page(
        self,
        wanted: AuditFilter = EVERY_ENTRY,
        *,
        owner: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AuditPage:
        """Return one page, newest first; see `entries`."""
        query = _conditions(wanted) | query_of(owner=owner, limit=limit, cursor=cursor)
        return parsed(AuditPage, await self._transport.get(path_of("audit"), query))

    async def entries(
        self, wanted: AuditFilter = EVERY_ENTRY, *, owner: str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncGenerator[AuditEntry]:
        """Yield the entries that meet the filter, newest first.

        With an admin key, these are those of all owners, or the ones by and about `owner`.
        """
        query = _conditions(wanted) | query_of(owner=owner, limit=page_size)
        async for page in pages(self._transport, path_of("audit"), AuditPage, query):
            for each in page.entries:
                yield each


class Audit(Facade):
    """The part of `StyleQueue` for the audit log."""

    page = blocking(AsyncAudit.page)
    entries = blocking_iterator(AsyncAudit.entries)


def _conditions(wanted: AuditFilter) -> dict[str, str | int]:
    return wanted.model_dump(mode="json", exclude_none=True)
