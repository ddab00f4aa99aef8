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
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal
from uuid import uuid4

from client.errors import BatchWaitTimeout, ServiceBusy
from client.folder.downloads import download_row
from client.http.answers import parsed, parsed_line
from client.http.lists import pages, path_of, query_of
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
                    answer = self._transport.post_file(path, body, content_type, key, _headers(webhook))
                    return parsed(BatchView, answer)
                except ServiceBusy as busy:
                    pause = busy.retry_after_seconds or 1
                    if time.monotonic() + pause > deadline:
                        raise
                time.sleep(pause)

    def get(self, batch_id: str) -> BatchView:
        return parsed(BatchView, self._transport.get(path_of("batches", batch_id)))

    def page(
        self, *, limit: int | None = None, cursor: str | None = None, owner: str | None = None
    ) -> BatchPage:
        """Return one page, newest first; `cursor` is the `next_cursor` of the page before.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = query_of(limit=limit, cursor=cursor, owner=owner)
        return parsed(BatchPage, self._transport.get(PATH, query))

    def list(self, *, page_size: int | None = None, owner: str | None = None) -> Iterator[BatchView]:
        """Yield all batches, newest first, and fetch each page when it is needed. `owner` is as in `page`."""
        for page in pages(self._transport, PATH, BatchPage, query_of(limit=page_size, owner=owner)):
            yield from page.batches

    def wait(
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
        for state in self.changes(batch, deadline=deadline):
            if on_change is not None:
                on_change(state)
        if not all_ended(state):
            raise BatchWaitTimeout(state, timeout_seconds or 0)
        return state

    def changes(self, batch: BatchView | str, *, deadline: float = math.inf) -> Iterator[BatchView]:
        """Yield the batch as it is now and after each change, until all its jobs have ended."""
        first = self.get(batch) if isinstance(batch, str) else batch
        path = path_of("batches", first.id)
        return changes(self._transport, path, first, all_ended, deadline=deadline, rest_seconds=REST_SECONDS)

    def results(
        self, batch_id: str, *, after: int | None = None, status: JobStatus | None = None
    ) -> Iterator[ResultRow]:
        """Yield the jobs that have ended so far, in the order of their ends; `after` is a row's `cursor`.

        After a retry, a line has two rows. The later one counts.
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
            RequestRefused: the job has no picture, or it was deleted.
            ResultCorrupt: its SHA-256 digest is not the one announced.
        """
        download_row(row, Path(target), self._transport)

    def rejected(self, batch_id: str) -> Iterator[RejectedLine]:
        """Yield the lines that the service made no job of."""
        path = path_of("batches", batch_id, "rejected")
        lines = self._transport.retries.persist(lambda: list(self._transport.lines(path)))
        return (parsed_line(RejectedLine, line) for line in lines)

    def jobs(
        self, batch_id: str, status: JobStatus | None = None, *, page_size: int | None = None
    ) -> Iterator[JobView]:
        """Yield the batch's jobs, and fetch each page when it is needed."""
        query = query_of(status=status, limit=page_size)
        for page in pages(self._transport, path_of("batches", batch_id, "jobs"), JobPage, query):
            yield from page.jobs

    def cancel(self, batch_id: str) -> BatchView:
        """Let none of its jobs start from now on. Waiting ones end, running ones when their workers let go.

        Of a large batch, the service ends some waiting jobs a few seconds later.
        """
        path = path_of("batches", batch_id, "cancel")
        return parsed(BatchView, self._transport.post(path, repeatable=True))

    def failures(self, batch_id: str) -> dict[str, int]:
        """Return the numbers of its failed jobs by error code, the most frequent first."""
        counts: Counter[str] = Counter()
        cursor = None
        while True:
            query = query_of(cursor=cursor)
            answer = self._transport.get(path_of("batches", batch_id, "failures"), query)
            page = parsed(BatchFailures, answer)
            counts.update(page.by_code)
            cursor = page.next_cursor
            if cursor is None:
                return dict(counts.most_common())

    def pause(self, batch_id: str) -> BatchView:
        """Let none of its jobs start until it is resumed. Running jobs go on."""
        return self._steered(batch_id, "pause")

    def resume(self, batch_id: str) -> BatchView:
        return self._steered(batch_id, "resume")

    def move_first(self, batch_id: str) -> BatchView:
        """Let it go before the owner's other jobs that wait now."""
        return self._steered(batch_id, "first")

    def change_lane(self, batch_id: str, lane: Lane) -> BatchView:
        """Let its waiting jobs go to another lane, in their order. Running jobs keep theirs.

        Of a large batch, the service moves some a few seconds later; `moving_to` is present until then.

        Raises:
            RequestRefused: the key may not use the lane, or the jobs may not, because of their method.
        """
        path = path_of("batches", batch_id, "lane")
        return parsed(BatchView, self._transport.post(path, LaneRequest(lane=lane), repeatable=True))

    def _steered(self, batch_id: str, step: str) -> BatchView:
        path = path_of("batches", batch_id, step)
        return parsed(BatchView, self._transport.post(path, repeatable=True))

    def retry(self, batch_id: str, only: Retried = "failed", *, permanent: bool = True) -> BatchView:
        """Try the jobs again that ended without a picture.

        Without `permanent`, jobs stay failed whose error is not `retryable`.
        """
        wanted = RetryRequest(only=only, permanent=permanent)
        return parsed(BatchView, self._transport.post(path_of("batches", batch_id, "retry"), wanted))

    def delete(self, batch_id: str) -> None:
        """Delete the batch, its jobs and their pictures. All jobs must have ended.

        Of a large batch, the service removes some jobs a few seconds later.
        """
        self._transport.delete(path_of("batches", batch_id))

    def _rows(self, batch_id: str, after: int | None, status: JobStatus | None) -> Sequence[ResultRow]:
        path = path_of("batches", batch_id, "results")
        query = query_of(after=after, status=status, limit=ROWS_AT_ONCE)

        def attempt() -> Sequence[ResultRow]:
            return [parsed_line(ResultRow, line) for line in self._transport.lines(path, query)]

        return self._transport.retries.persist(attempt)


def all_ended(batch: BatchView) -> bool:
    return batch.status not in PENDING


def _headers(webhook: BatchWebhook | None) -> dict[str, str]:
    """Return the headers that name the webhook, because NDJSON has no place for it."""
    return {"Webhook-Url": webhook.url, "Webhook-Events": ",".join(webhook.events)} if webhook else {}
