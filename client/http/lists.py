"""Paths of the API, queries, and lists that come in pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from typing import TypeVar
from urllib.parse import quote

from client.http.answers import parsed
from client.http.transport import Transport
from shared.wire.batch_records import BatchPage
from shared.wire.job_filter import Conditions
from shared.wire.operations.audit_records import AuditPage
from shared.wire.operations.owner_records import OwnerPage
from shared.wire.records import JobPage
from shared.wire.webhook_records import DeliveryPage

Page = TypeVar("Page", JobPage, BatchPage, DeliveryPage, AuditPage, OwnerPage)
Query = dict[str, str | int]

PAGE_SIZE = 100  # records in one response


def path_of(*parts: str) -> str:
    """Return the path of a resource; its parts may hold any characters."""
    return "/".join(["/v1", *(quote(part, safe="") for part in parts)])


def query_of(**members: str | int | None) -> Query:
    """Return the members that are given."""
    return {name: value for name, value in members.items() if value is not None}


def days_of(first: date | None, last: date | None) -> dict[str, str | None]:
    """Return the members of a query for a span of days."""
    return {"from": first.isoformat() if first else None, "to": last.isoformat() if last else None}


def given(conditions: Conditions) -> Query:
    """Return the conditions that are set, as members of a query."""
    return conditions.model_dump(mode="json", exclude_none=True)


async def pages(transport: Transport, path: str, model: type[Page], query: Query) -> AsyncGenerator[Page]:
    """Yield the pages of a list and fetch each when it is needed."""
    while True:
        page = parsed(model, await transport.get(path, query))
        yield page
        if page.next_cursor is None:
            return
        query = {**query, "cursor": page.next_cursor}
