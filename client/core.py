"""The core of both clients, as coroutines: submit pictures, wait for jobs, save the results."""

from __future__ import annotations

import math
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

from client.api.audit import AsyncAudit
from client.api.batches import AsyncBatches
from client.api.bulk_actions import AsyncBulkActions
from client.api.dead_letters import AsyncDeadLetters
from client.api.keys import AsyncKeys
from client.api.operations import AsyncOperations
from client.api.owners import AsyncOwners
from client.api.uploads import send, source_of
from client.api.webhooks import AsyncWebhooks
from client.errors import WaitTimeout
from client.folder.downloads import download, result_of
from client.folder.pictures import File, Picture, announcement, suffix_of
from client.http.answers import parsed, refusing_what_the_model_refuses
from client.http.drivers import Driver
from client.http.lists import days_of, given, pages, path_of, query_of
from client.http.retries import DEFAULT_RETRIES, Retries
from client.http.service_url import service_url
from client.http.transport import Transport
from client.http.waiting import changes
from shared.wire.descriptors import JobRequest, JobWebhook, Lane, Output, UploadRequest
from shared.wire.job_filter import EVERY_JOB, Conditions
from shared.wire.operations.account_records import By
from shared.wire.operations.queue_records import QueueOverview
from shared.wire.operations.usage_records import Usage
from shared.wire.params import Params
from shared.wire.records import Capabilities, JobPage, JobStatus, JobView
from shared.wire.sources import ImageSource

ALIVE = "/healthz"


class Core:
    """A client of the service at `base_url`, with a driver."""

    def __init__(
        self,
        base_url: str,
        driver: Driver,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30,
        retries: Retries = DEFAULT_RETRIES,
    ) -> None:
        self.base_url = service_url(base_url)
        self._transport = Transport(
            self.base_url, driver, api_key=api_key, timeout_seconds=timeout_seconds, retries=retries
        )
        self.batches = AsyncBatches(self._transport)
        self.dead_letters = AsyncDeadLetters(self._transport)
        self.bulk_actions = AsyncBulkActions(self._transport)
        self.webhooks = AsyncWebhooks(self._transport)
        self.operations = AsyncOperations(self._transport)
        self.keys = AsyncKeys(self._transport)
        self.audit = AsyncAudit(self._transport)
        self.owners = AsyncOwners(self._transport)

    async def close(self) -> None:
        await self._transport.close()

    # --- pictures in ----------------------------------------------------------------------------

    async def submit(  # noqa: PLR0913 - one argument for each member of a job
        self,
        content: Picture,
        style: Picture,
        *,
        params: Params | None = None,
        output: Output | None = None,
        lane: Lane = Lane.NORMAL,
        max_attempts: int | None = None,
        start_within: int | None = None,
        custom_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        webhook: str | JobWebhook | None = None,
    ) -> JobView:
        """Queue one stylization. Files and bytes are uploaded first, unless the service has them already.

        The service calls `webhook` when the job ends. The request has an idempotency key, so it is repeated
        safely when its response is lost.

        Raises:
            NotAPicture: `content` or `style` is neither an image file nor a URL.
            RequestRefused: the job is not acceptable.
        """
        content_source, style_source = await self.source(content), await self.source(style)
        with refusing_what_the_model_refuses():
            request = JobRequest(
                content=content_source,
                style=style_source,
                params=params or Params(),
                output=output or Output(),
                lane=lane,
                max_attempts=max_attempts,
                start_within=start_within,
                custom_id=custom_id,
                tags=tuple(tags),
                metadata=dict(metadata or {}),
                webhook=JobWebhook(url=webhook) if isinstance(webhook, str) else webhook,
            )
        return parsed(JobView, await self._transport.post("/v1/jobs", request, key=uuid4().hex))

    async def source(self, picture: Picture) -> ImageSource:
        """Return the source that names the picture in any number of jobs. A file is uploaded."""
        return await source_of(picture, self._transport)

    async def upload(self, picture: File) -> str:
        """Send an image file unless the service has it. Return its `upload_id`."""
        announced = await self._transport.driver.work(lambda: announcement(picture))
        return (await send(announced, picture, self._transport)).upload_id

    async def send(self, announced: UploadRequest, picture: File) -> bool:
        """Do the same for a file that is already announced. Return whether it had to be sent."""
        return not (await send(announced, picture, self._transport)).exists

    # --- jobs -----------------------------------------------------------------------------------

    async def job(self, job_id: str) -> JobView:
        return parsed(JobView, await self._transport.get(path_of("jobs", job_id)))

    async def jobs(
        self,
        status: JobStatus | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        batch_id: str | None = None,
        owner: str | None = None,
    ) -> JobPage:
        """Return one page, newest first, of a batch by line. `cursor` is `next_cursor` of the page before.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = query_of(status=status, limit=limit, cursor=cursor, batch_id=batch_id, owner=owner)
        return parsed(JobPage, await self._transport.get(path_of("jobs"), query))

    async def iter_jobs(
        self,
        status: JobStatus | None = None,
        conditions: Conditions = EVERY_JOB,
        *,
        page_size: int | None = None,
        owner: str | None = None,
    ) -> AsyncGenerator[JobView]:
        """Yield the jobs that meet all conditions, newest first, and fetch each page when it is needed.

        `owner` is as in `jobs`.
        """
        query = given(conditions) | query_of(status=status, limit=page_size, owner=owner)
        async for page in pages(self._transport, path_of("jobs"), JobPage, query):
            for job in page.jobs:
                yield job

    async def wait(
        self,
        job: JobView | str,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[JobView], None] | None = None,
    ) -> JobView:
        """Block until the job has ended, with or without a picture. `on_change` gets all states from now on.

        Raises:
            WaitTimeout: it took longer than `timeout_seconds`; the job goes on.
        """
        deadline = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
        first = await self.job(job) if isinstance(job, str) else job
        path = path_of("jobs", first.id)
        async for state in changes(self._transport, path, first, lambda job: job.finished, deadline=deadline):
            if on_change is not None:
                on_change(state)
        if not state.finished:
            raise WaitTimeout(state, timeout_seconds or 0)
        return state

    async def save(self, job: JobView | str, target: str | os.PathLike[str]) -> Path:
        """Download the stylized image to a path; into an existing folder, it is named after the job.

        The file appears complete or not at all, and only with the announced SHA-256 digest.

        Raises:
            JobFailed: the job ended without a picture.
            RequestRefused: the job has not ended.
            ResultCorrupt: the digest differs.
        """
        view = job if isinstance(job, JobView) and job.finished else await self.job(_id(job))
        sha256 = result_of(view).sha256
        path = Path(target)
        if path.is_dir():
            path /= view.id + suffix_of(view)
        await download(view.id, sha256, path, self._transport)
        return path

    async def result_url(self, job: JobView | str) -> str:
        """Return a presigned URL of the stylized image, for a program without an API key.

        Raises:
            RequestRefused: there is no image, or not yet.
        """
        path = path_of("jobs", _id(job), "result")
        return await self._transport.persist(lambda: self._transport.stored_url(path))

    async def cancel(self, job_id: str) -> JobView:
        """End a waiting job at once; a running one is `canceling` until its worker lets go."""
        return parsed(JobView, await self._transport.post(path_of("jobs", job_id, "cancel")))

    async def retry(self, job_id: str) -> JobView:
        """Queue a job again that failed, expired or was canceled."""
        return parsed(JobView, await self._transport.post(path_of("jobs", job_id, "retry")))

    async def delete(self, job_id: str) -> None:
        """Delete the record and the picture."""
        await self._transport.delete(path_of("jobs", job_id))

    # --- the service ----------------------------------------------------------------------------

    async def capabilities(self) -> Capabilities:
        return parsed(Capabilities, await self._transport.get(path_of("capabilities")))

    async def queue(self) -> QueueOverview:
        """Return the state of each lane, and the numbers of the caller's own jobs by status."""
        return parsed(QueueOverview, await self._transport.get(path_of("queue")))

    async def usage(
        self,
        *,
        owner: str | None = None,
        first: date | None = None,
        last: date | None = None,
        by: By | None = None,
    ) -> Usage:
        """Return the caller's usage and its limits; with an admin key, those of `owner`.

        With a first or last day by UTC, or `by`, also what the owner's jobs took: of 30 days up to today.
        """
        query = query_of(owner=owner, by=by, **days_of(first, last))
        return parsed(Usage, await self._transport.get(path_of("usage"), query))

    async def greet(self) -> None:
        """Wait until the service responds. A busy service is asked again.

        Raises:
            NobodyAnswers: no connection was made in the only try.
            ServiceUnavailable: the service stays busy, or the connection fails in another way.
            UnexpectedAnswer: something else responds at this address.
        """
        await self._transport.greet(ALIVE)

    async def ready(self) -> bool:
        """Ask once and return whether the service can take jobs now."""
        return await self._transport.answers("/readyz")

    async def alive(self) -> bool:
        """Ask once and return whether the service responds at all."""
        return await self._transport.answers(ALIVE)


def _id(job: JobView | str) -> str:
    return job if isinstance(job, str) else job.id
