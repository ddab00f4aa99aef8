"""Many jobs in one request: submit them, watch them as one, read their results as they come.

with StyleQueue("http://127.0.0.1:8080") as queue:
    batch = queue.batches.submit(BatchJob(content=..., style=...) for ... in ...)
    queue.batches.wait(batch)
    for row in queue.batches.results(batch.id):
        print(row.line, row.status, row.result and row.result.url)
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal
from urllib.parse import quote
from uuid import uuid4

from client.errors import BatchWaitTimeout, ServiceBusy
from client.folder.downloads import download_row
from client.http.answers import parsed, parsed_line
from client.http.transport import NDJSON, Transport
from client.http.waiting import changes
from shared.wire.batch_descriptors import BatchOptions, BatchWebhook, RetryRequest
from shared.wire.batch_records import BatchPage, BatchStatus, BatchView, RejectedLine, ResultRow
from shared.wire.descriptors import JobRequest
from shared.wire.records import JobPage, JobStatus, JobView

PATH = "/v1/batches"
ROWS_AT_ONCE = 500  # of the results; their URLs are good for some minutes only
PATIENCE_SECONDS = 300  # with a service that is too busy to take a batch
REST_SECONDS = 0.5  # between two looks at a batch, which changes with each of its jobs
PENDING = frozenset({BatchStatus.VALIDATING, BatchStatus.RUNNING})

Retried = Literal["failed", "canceled", "expired", "all"]


class Batches:
    """The part of `StyleQueue` for batches."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        batch: Iterable[JobRequest] | BatchOptions,
        *,
        key: str | None = None,
        atomic: bool = False,
        webhook: BatchWebhook | None = None,
    ) -> BatchView:
        """Queue jobs as one batch: from an iterable, or in a form of `shared.wire.batch_descriptors`.

        A `key` of your own lets you repeat the submission later: the same key and the same jobs give the
        first batch again. With `atomic` one bad job keeps all others out. `webhook` is told of the batch's
        end; in the forms it is a member of its own.

        Raises:
            RequestRefused: no job at all is acceptable, or, with `atomic`, one is not.
            ServiceBusy: the queue stayed full for minutes; nothing was accepted.
        """
        with TemporaryFile() as body:
            if isinstance(batch, BatchOptions):
                content_type = "application/json"
                body.write(batch.model_dump_json(exclude_none=True).encode())
            else:
                content_type = NDJSON
                body.writelines(job.model_dump_json(exclude_defaults=True).encode() + b"\n" for job in batch)
            path, key = f"{PATH}?atomic=true" if atomic else PATH, key or uuid4().hex
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    answer = self._transport.post_file(path, body, content_type, key, _headers(webhook))
                    return parsed(BatchView, answer)
                except ServiceBusy as busy:
                    pause = busy.retry_after_seconds or 1
                    if time.monotonic() + pause > deadline:
                        raise
                time.sleep(pause)

    def get(self, batch_id: str) -> BatchView:
        return parsed(BatchView, self._transport.get(_path(batch_id)))

    def page(
        self, *, limit: int | None = None, cursor: str | None = None, owner: str | None = None
    ) -> BatchPage:
        """Return one page, newest first; `cursor` is the `next_cursor` of the page before.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        return parsed(BatchPage, self._transport.get(PATH, _given(limit=limit, cursor=cursor, owner=owner)))

    def list(self, *, page_size: int | None = None, owner: str | None = None) -> Iterator[BatchView]:
        """Yield all batches, newest first, and fetch each page when it is needed. `owner` is as in `page`."""
        page = self.page(limit=page_size, owner=owner)
        yield from page.batches
        while page.next_cursor is not None:
            page = self.page(limit=page_size, cursor=page.next_cursor, owner=owner)
            yield from page.batches

    def wait(
        self,
        batch: BatchView | str,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[BatchView], None] | None = None,
    ) -> BatchView:
        """Block until all jobs have ended, well or badly; all results can be read then.

        Raises:
            BatchWaitTimeout: `timeout_seconds` are over; the batch goes on.
        """
        deadline = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
        for state in self.changes(batch, deadline=deadline):
            if on_change is not None:
                on_change(state)
        if not all_ended(state):
            raise BatchWaitTimeout(state, timeout_seconds or 0)
        return state

    def changes(self, batch: BatchView | str, *, deadline: float = math.inf) -> Iterator[BatchView]:
        """The batch as it is now and after each change, until all its jobs have ended."""
        first = self.get(batch) if isinstance(batch, str) else batch
        path = _path(first.id)
        return changes(self._transport, path, first, all_ended, deadline=deadline, rest_seconds=REST_SECONDS)

    def results(
        self, batch_id: str, *, after: int | None = None, status: JobStatus | None = None
    ) -> Iterator[ResultRow]:
        """The jobs that have ended so far, in the order in which they did; `after` is a row's `cursor`.

        Of two rows with the same line, which are there after a retry, the later one counts.
        """
        while True:
            rows = self._rows(batch_id, after, status)
            yield from rows
            if len(rows) < ROWS_AT_ONCE:
                return
            after = rows[-1].cursor

    def save(self, row: ResultRow, target: str | os.PathLike[str]) -> None:
        """Download the picture of a row to a file, which appears complete or not at all.

        Raises:
            RequestRefused: there is none, or not any more.
            ResultCorrupt: its SHA-256 digest is not the one announced.
        """
        download_row(row, Path(target), self._transport)

    def rejected(self, batch_id: str) -> Iterator[RejectedLine]:
        """The lines that became no job."""
        path = _path(batch_id, "/rejected")
        lines = self._transport.retries.persist(lambda: list(self._transport.lines(path)))
        return (parsed_line(RejectedLine, line) for line in lines)

    def jobs(
        self, batch_id: str, status: JobStatus | None = None, *, page_size: int | None = None
    ) -> Iterator[JobView]:
        """The batch's jobs, fetched page by page as they are consumed."""
        query = _given(status=status, limit=page_size)
        page = parsed(JobPage, self._transport.get(_path(batch_id, "/jobs"), query))
        yield from page.jobs
        while page.next_cursor is not None:
            more = {**query, "cursor": page.next_cursor}
            page = parsed(JobPage, self._transport.get(_path(batch_id, "/jobs"), more))
            yield from page.jobs

    def cancel(self, batch_id: str) -> BatchView:
        """Ends the jobs that wait at once, and those that run as soon as their workers let go."""
        return parsed(BatchView, self._transport.post(_path(batch_id, "/cancel"), repeatable=True))

    def retry(self, batch_id: str, only: Retried = "failed", *, permanent: bool = True) -> BatchView:
        """Try the jobs again that ended without a picture.

        Without `permanent`, jobs stay failed whose error is not `retryable`.
        """
        wanted = RetryRequest(only=only, permanent=permanent)
        return parsed(BatchView, self._transport.post(_path(batch_id, "/retry"), wanted))

    def delete(self, batch_id: str) -> None:
        """Removes the batch, its jobs and their pictures, once all have ended."""
        self._transport.delete(_path(batch_id))

    def _rows(self, batch_id: str, after: int | None, status: JobStatus | None) -> Sequence[ResultRow]:
        path = _path(batch_id, "/results")
        query = _given(after=after, status=status, limit=ROWS_AT_ONCE)

        def attempt() -> Sequence[ResultRow]:
            return [parsed_line(ResultRow, line) for line in self._transport.lines(path, query)]

        return self._transport.retries.persist(attempt)


def all_ended(batch: BatchView) -> bool:
    return batch.status not in PENDING


def _given(**members: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in members.items() if value is not None}


def _headers(webhook: BatchWebhook | None) -> dict[str, str]:
    """What stands for the webhook of jobs that are sent as lines."""
    return {"Webhook-Url": webhook.url, "Webhook-Events": ",".join(webhook.events)} if webhook else {}


def _path(batch_id: str, step: str = "") -> str:
    return f"{PATH}/{quote(batch_id, safe='')}{step}"
