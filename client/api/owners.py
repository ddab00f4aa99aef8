"""Owners as admins see them: what they use, and their limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date

from client.blocking import Facade, blocking, blocking_iterator
from client.http.answers import parsed
from client.http.lists import days_of, pages, path_of, query_of
from client.http.transport import Transport
from shared.wire.operations.owner_records import OwnerLimits, OwnerPage, OwnerView

PAGE_SIZE = 50


class AsyncOwners:
    """The part of `AsyncStyleQueue` for owners. It needs an admin key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self, *, first: date | None = None, last: date | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncGenerator[OwnerView]:
        """Yield the owners by name; with a first or last day by UTC also what jobs took in that span."""
        query = query_of(limit=page_size, **days_of(first, last))
        async for page in pages(self._transport, path_of("owners"), OwnerPage, query):
            for each in page.owners:
                yield each

    async def get(self, owner: str) -> OwnerView:
        return parsed(OwnerView, await self._transport.get(path_of("owners", owner)))

    async def limit(self, owner: str, limits: OwnerLimits) -> OwnerView:
        """Set an owner's own limits, whole; None stands for the service's limit."""
        return parsed(OwnerView, await self._transport.put_record(path_of("owners", owner, "limits"), limits))


class Owners(Facade):
    """The part of `StyleQueue` for owners."""

    list = blocking_iterator(AsyncOwners.list)
    get = blocking(AsyncOwners.get)
    limit = blocking(AsyncOwners.limit)
