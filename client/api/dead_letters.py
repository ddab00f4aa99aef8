"""Jobs that failed for good: what became of them, and another try."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from client.http.answers import parsed
from client.http.transport import Transport
from shared.wire.dead_letter_records import Replayed, ReplayRequest
from shared.wire.records import JobPage, JobView

PATH = "/v1/dead-letters"
PAGE_SIZE = 100  # jobs in one answer of the service


class DeadLetters:
    """The part of `StyleQueue` for jobs that failed for good."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, code: str | None = None, *, owner: str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[JobView]:
        """Yield all of them, or those whose error has this code, the newest submission first.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        wanted = {"limit": page_size, "code": code, "owner": owner}
        query = {name: value for name, value in wanted.items() if value is not None}
        while True:
            page = parsed(JobPage, self._transport.get(PATH, query))
            yield from page.jobs
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def replay(self, job_id: str) -> JobView:
        """Queues one of them again, with all its attempts."""
        return parsed(JobView, self._transport.post(f"{PATH}/{quote(job_id, safe='')}/replay"))

    def replay_all(self, code: str | None = None, *, owner: str | None = None) -> int:
        """Queue all of them again, or those with this code, of the owner as in `list`. Returns how many."""
        path = f"{PATH}/replay" + (f"?owner={quote(owner, safe='*')}" if owner else "")
        answer = self._transport.post(path, ReplayRequest(code=code), repeatable=True)
        return parsed(Replayed, answer).replayed
