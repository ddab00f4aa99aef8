"""Bulk actions: cancel, retry or delete all jobs that meet a filter."""

from __future__ import annotations

from urllib.parse import quote

from client.blocking import Facade, blocking
from client.http.answers import parsed
from client.http.lists import path_of
from client.http.transport import Transport
from shared.wire.bulk_records import Action, BulkAction, BulkActionList, BulkRequest, Confirmation
from shared.wire.job_filter import EVERY_JOB, JobFilter


class AsyncBulkActions:
    """The part of `AsyncStyleQueue` for bulk actions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self, action: Action, wanted: JobFilter = EVERY_JOB, *, owner: str | None = None
    ) -> BulkAction:
        """Count the jobs that meet the filter; nothing changes before `confirm`.

        With an admin key, `owner` means another owner's jobs, or ALL_OWNERS'.
        """
        path = path_of("bulk-actions") + (f"?owner={quote(owner, safe='*')}" if owner else "")
        return parsed(BulkAction, await self._transport.post(path, BulkRequest(action=action, filter=wanted)))

    async def get(self, action_id: str) -> BulkAction:
        return parsed(BulkAction, await self._transport.get(path_of("bulk-actions", action_id)))

    async def list(self) -> tuple[BulkAction, ...]:
        """Return the caller's actions of the last week, newest first."""
        return parsed(BulkActionList, await self._transport.get(path_of("bulk-actions"))).bulk_actions

    async def confirm(self, action_id: str, count: int) -> BulkAction:
        """Let a counted action begin; `count` is its `matched`."""
        path = path_of("bulk-actions", action_id, "confirm")
        return parsed(
            BulkAction, await self._transport.post(path, Confirmation(count=count), repeatable=True)
        )

    async def advance(self, action_id: str) -> BulkAction:
        """Do the next step now, instead of waiting for a worker."""
        path = path_of("bulk-actions", action_id, "advance")
        return parsed(BulkAction, await self._transport.post(path, repeatable=True))

    async def delete(self, action_id: str) -> None:
        """Stop and remove an action. What it has done to jobs stays."""
        await self._transport.delete(path_of("bulk-actions", action_id))


class BulkActions(Facade):
    """The part of `StyleQueue` for bulk actions."""

    create = blocking(AsyncBulkActions.create)
    get = blocking(AsyncBulkActions.get)
    list = blocking(AsyncBulkActions.list)
    confirm = blocking(AsyncBulkActions.confirm)
    advance = blocking(AsyncBulkActions.advance)
    delete = blocking(AsyncBulkActions.delete)
