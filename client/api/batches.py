"""Batches: many jobs in one request, which end and are read together.

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
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal
from uuid import uuid4

from client.blocking import Facade, blocking, blocking_iterator
from client.errors import BatchWaitTimeout, ServiceBusy
from client.folder.downloads import download_row
from client.http.answers import parsed, parsed_line
from client.http.lists import Query, pages, path_of, query_of
from client.http.transport import NDJSON, Transport
from client.http.waiting import changes
from shared.wire.batch_descriptors import BatchOptions, BatchWebhook, LaneRequest, RetryRequest
from shared.wire.batch_records import (
    BatchFailures,
    BatchPage,
    BatchStatus,
    BatchView,
    RejectedLine,
    ResultRow,
)
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.records import JobPage, JobStatus, JobView

PATH = "/v1/batches"
ROWS_AT_ONCE = 500  # results in one response; their URLs are valid for a few minutes
PATIENCE_SECONDS = 300  # how long to retry while the service is too busy to take a batch
REST_SECONDS = 0.5  # between two polls of a batch, which changes with each of its jobs
PENDING = frozenset({BatchStatus.VALIDATING, BatchStatus.RUNNING})

Retried = Literal["failed", "canceled", "expired", "all"]


class AsyncBatches:
    """The part of `AsyncStyleQueue` for batches."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def submit(
        self,
        batch: Iterable[JobRequest] | BatchOptions,
        *,
        key: str | None = None,
        atomic: bool = False,
        webhook: BatchWebhook | None = None,
    ) -> BatchView:
        """Queue jobs as one batch: an iterable of them, or a form of `shared.wire.batch_descriptors`.

        The same `key` and the same jobs give the first batch again, so a submission can be repeated. With
        `atomic`, one bad job keeps all others out. The service calls `webhook` when the batch ends; a form
        has a member for it.

        Raises:
            RequestRefused: no job is acceptable, or with `atomic` one is not.
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
                    answer = await self._transport.post_file(path, body, content_type, key, _headers(webhook))
                    return parsed(BatchView, answer)
                except ServiceBusy as busy:
                    pause = busy.retry_after_seconds or 1
                    if time.monotonic() + pause > deadline:
                        raise
                await self._transport.driver.sleep(pause)

    async def get(self, batch_id: str) -> BatchView:
        return parsed(BatchView, await self._transport.get(path_of("batches", batch_id)))

    async def page(
        self, *, limit: int | None = None, cursor: str | None = None, owner: str | None = None
    ) -> BatchPage:
        """Return one page, newest first; `cursor` is the `next_cursor` of the page before.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = query_of(limit=limit, cursor=cursor, owner=owner)
        return parsed(BatchPage, await self._transport.get(PATH, query))

    async def list(
        self, *, page_size: int | None = None, owner: str | None = None
    ) -> AsyncGenerator[BatchView]:
        """Yield all batches, newest first, and fetch each page when it is needed. `owner` is as in `page`."""
        async for page in pages(self._transport, PATH, BatchPage, query_of(limit=page_size, owner=owner)):
            for each in page.batches:
                yield each

    async def wait(
        self,
        batch: BatchView | str,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[BatchView], None] | None = None,
    ) -> BatchView:
        """Block until all jobs have ended, with or without a picture. All results can be read then.

        Raises:
            BatchWaitTimeout: it took longer than `timeout_seconds`; the batch goes on.
        """
        deadline = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
        async for state in self.changes(batch, deadline=deadline):
            if on_change is not None:
                on_change(state)
        if not all_ended(state):
            raise BatchWaitTimeout(state, timeout_seconds or 0)
        return state

    async def changes(
        self, batch: BatchView | str, *, deadline: float = math.inf
    ) -> AsyncGenerator[BatchView]:
        """Yield the batch as it is now and after each change, until all its jobs have ended."""
        first = await self.get(batch) if isinstance(batch, str) else batch
        path = path_of("batches", first.id)
        rest = REST_SECONDS
        async for state in changes(
            self._transport, path, first, all_ended, deadline=deadline, rest_seconds=rest
        ):
            yield state

    async def results(
        self, batch_id: str, *, after: int | None = None, status: JobStatus | None = None
    ) -> AsyncGenerator[ResultRow]:
        """Yield the jobs that have ended so far, in the order of their ends; `after` is a row's `cursor`.

        After a retry, a line has two rows. The later one counts.
        """
        while True:
            rows = await self._rows(batch_id, after, status)
            for row in rows:
                yield row
            if len(rows) < ROWS_AT_ONCE:
                return
            after = rows[-1].cursor

    async def save(self, row: ResultRow, target: str | os.PathLike[str]) -> None:
        """Download the picture of a row to a file, which appears complete or not at all.

        Raises:
            RequestRefused: the job has no picture, or it was deleted.
            ResultCorrupt: its SHA-256 digest is not the one announced.
        """
        await download_row(row, Path(target), self._transport)

    async def rejected(self, batch_id: str) -> AsyncGenerator[RejectedLine]:
        """Yield the lines that the service made no job of."""
        for line in await self._lines(path_of("batches", batch_id, "rejected")):
            yield parsed_line(RejectedLine, line)

    async def jobs(
        self, batch_id: str, status: JobStatus | None = None, *, page_size: int | None = None
    ) -> AsyncGenerator[JobView]:
        """Yield the batch's jobs, and fetch each page when it is needed."""
        query = query_of(status=status, limit=page_size)
        async for page in pages(self._transport, path_of("batches", batch_id, "jobs"), JobPage, query):
            for each in page.jobs:
                yield each

    async def cancel(self, batch_id: str) -> BatchView:
        """Let none of its jobs start from now on. Waiting ones end, running ones when their workers let go.

        Of a large batch, the service ends some waiting jobs a few seconds later.
        """
        path = path_of("batches", batch_id, "cancel")
        return parsed(BatchView, await self._transport.post(path, repeatable=True))

    async def failures(self, batch_id: str) -> dict[str, int]:
        """Return the numbers of its failed jobs by error code, the most frequent first."""
        counts: Counter[str] = Counter()
        cursor = None
        while True:
            query = query_of(cursor=cursor)
            answer = await self._transport.get(path_of("batches", batch_id, "failures"), query)
            page = parsed(BatchFailures, answer)
            counts.update(page.by_code)
            cursor = page.next_cursor
            if cursor is None:
                return dict(counts.most_common())

    async def pause(self, batch_id: str) -> BatchView:
        """Let none of its jobs start until it is resumed. Running jobs go on."""
        return await self._steered(batch_id, "pause")

    async def resume(self, batch_id: str) -> BatchView:
        return await self._steered(batch_id, "resume")

    async def move_first(self, batch_id: str) -> BatchView:
        """Let it go before the owner's other jobs that wait now."""
        return await self._steered(batch_id, "first")

    async def change_lane(self, batch_id: str, lane: Lane) -> BatchView:
        """Let its waiting jobs go to another lane, in their order. Running jobs keep theirs.

        Of a large batch, the service moves some a few seconds later; `moving_to` is present until then.

        Raises:
            RequestRefused: the key may not use the lane, or the jobs may not, because of their method.
        """
        path = path_of("batches", batch_id, "lane")
        return parsed(BatchView, await self._transport.post(path, LaneRequest(lane=lane), repeatable=True))

    async def _steered(self, batch_id: str, step: str) -> BatchView:
        path = path_of("batches", batch_id, step)
        return parsed(BatchView, await self._transport.post(path, repeatable=True))

    async def retry(self, batch_id: str, only: Retried = "failed", *, permanent: bool = True) -> BatchView:
        """Try the jobs again that ended without a picture.

        Without `permanent`, jobs stay failed whose error is not `retryable`.
        """
        wanted = RetryRequest(only=only, permanent=permanent)
        return parsed(BatchView, await self._transport.post(path_of("batches", batch_id, "retry"), wanted))

    async def delete(self, batch_id: str) -> None:
        """Delete the batch, its jobs and their pictures. All jobs must have ended.

        Of a large batch, the service removes some jobs a few seconds later.
        """
        await self._transport.delete(path_of("batches", batch_id))

    async def _rows(self, batch_id: str, after: int | None, status: JobStatus | None) -> Sequence[ResultRow]:
        path = path_of("batches", batch_id, "results")
        query = query_of(after=after, status=status, limit=ROWS_AT_ONCE)
        return [parsed_line(ResultRow, line) for line in await self._lines(path, query)]

    async def _lines(self, path: str, query: Query | None = None) -> Sequence[bytes]:
        """Return all lines of a response, which is asked for again if it is cut short."""

        async def attempt() -> Sequence[bytes]:
            return [line async for line in self._transport.lines(path, query)]

        return await self._transport.persist(attempt)


class Batches(Facade):
    """The part of `StyleQueue` for batches."""

    submit = blocking(AsyncBatches.submit)
    get = blocking(AsyncBatches.get)
    page = blocking(AsyncBatches.page)
    list = blocking_iterator(AsyncBatches.list)
    wait = blocking(AsyncBatches.wait)
    changes = blocking_iterator(AsyncBatches.changes)
    results = blocking_iterator(AsyncBatches.results)
    save = blocking(AsyncBatches.save)
    rejected = blocking_iterator(AsyncBatches.rejected)
    jobs = blocking_iterator(AsyncBatches.jobs)
    cancel = blocking(AsyncBatches.cancel)
    failures = blocking(AsyncBatches.failures)
    pause = blocking(AsyncBatches.pause)
    resume = blocking(AsyncBatches.resume)
    move_first = blocking(AsyncBatches.move_first)
    change_lane = blocking(AsyncBatches.change_lane)
    retry = blocking(AsyncBatches.retry)
    delete = blocking(AsyncBatches.delete)


def all_ended(batch: BatchView) -> bool:
    return batch.status not in PENDING


def _headers(webhook: BatchWebhook | None) -> dict[str, str]:
    """Return the headers that name the webhook, because NDJSON has no place for it."""
    return {"Webhook-Url": webhook.url, "Webhook-Events": ",".join(webhook.events)} if webhook else {}
