"""Dead letters: jobs that failed permanently."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import quote

from client.blocking import Facade, blocking, blocking_iterator
from client.http.answers import parsed
from client.http.lists import PAGE_SIZE, given, pages, path_of, query_of
from client.http.transport import Transport
from shared.wire.dead_letter_records import Replayed, ReplayRequest
from shared.wire.job_filter import EVERY_JOB, Conditions
from shared.wire.records import JobPage, JobView


class AsyncDeadLetters:
    """The part of `AsyncStyleQueue` for dead letters."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        code: str | None = None,
        conditions: Conditions = EVERY_JOB,
        *,
        owner: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncGenerator[JobView]:
        """Yield those that meet all conditions and have this code, the newest submission first.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = given(conditions) | query_of(limit=page_size, code=code, owner=owner)
        async for page in pages(self._transport, path_of("dead-letters"), JobPage, query):
            for each in page.jobs:
                yield each

    async def replay(self, job_id: str) -> JobView:
        """Queue one of them again, with all its attempts."""
        return parsed(JobView, await self._transport.post(path_of("dead-letters", job_id, "replay")))

    async def replay_all(self, code: str | None = None, *, owner: str | None = None) -> int:
        """Queue all of them again, or those with this code. Return how many; `owner` is as in `list`."""
        path = path_of("dead-letters", "replay") + (f"?owner={quote(owner, safe='*')}" if owner else "")
        answer = await self._transport.post(path, ReplayRequest(code=code), repeatable=True)
        return parsed(Replayed, answer).replayed


class DeadLetters(Facade):
    """The part of `StyleQueue` for dead letters."""

    list = blocking_iterator(AsyncDeadLetters.list)
    replay = blocking(AsyncDeadLetters.replay)
    replay_all = blocking(AsyncDeadLetters.replay_all)
