"""The service as one Python object: submit pictures, wait for jobs, save what came out.

    with StyleQueue("http://127.0.0.1:8080") as queue:
        job = queue.wait(queue.submit(Path("harbor.jpg"), Path("starry-night.jpg")))
        print(queue.save(job, "."))

An object may be shared by threads.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote
from uuid import uuid4

from client.api.batches import Batches
from client.api.dead_letters import DeadLetters
from client.api.operations import Operations
from client.api.uploads import send, source_of, upload
from client.api.webhooks import Webhooks
from client.errors import WaitTimeout
from client.folder.downloads import download, result_of
from client.folder.pictures import SUFFIXES, File, Picture
from client.http.answers import parsed, refusing_what_the_model_refuses
from client.http.retries import DEFAULT_RETRIES, Retries
from client.http.service_url import service_url
from client.http.transport import Transport
from client.http.waiting import changes
from shared.wire.descriptors import ImageSource, JobRequest, JobWebhook, Lane, Output, Params, UploadRequest
from shared.wire.queue_records import QueueOverview
from shared.wire.records import Capabilities, JobPage, JobStatus, JobView
from shared.wire.usage_records import Usage

ALIVE = "/healthz"


class StyleQueue:
    """A client of the service at `base_url`; use it in a `with` statement, or close() it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30,
        retries: Retries = DEFAULT_RETRIES,
    ) -> None:
        """
        Raises:
            ValueError: `base_url` is no URL of a service.
            StyleQueueClientError: SSL_CERT_FILE or SSL_CERT_DIR names no certificates.
        """
        self.base_url = service_url(base_url)
        self._transport = Transport(
            self.base_url, api_key=api_key, timeout_seconds=timeout_seconds, retries=retries
        )
        self.batches = Batches(self._transport)
        self.dead_letters = DeadLetters(self._transport)
        self.webhooks = Webhooks(self._transport)
        self.operations = Operations(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    # --- pictures in ----------------------------------------------------------------------------

    def submit(  # noqa: PLR0913 - one argument for each member of a job
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
        """Queue one stylization; files and bytes are uploaded first, unless the service has them already.

        `webhook` is told of its end. It is sent with a key of its own, so that a submission whose answer
        was lost is repeated safely.

        Raises:
            NotAPicture: `content` or `style` is no image file and no URL.
            RequestRefused: the service, or the model that it validates with, does not accept the job.
        """
        with refusing_what_the_model_refuses():
            request = JobRequest(
                content=self.source(content),
                style=self.source(style),
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
        return parsed(JobView, self._transport.post("/v1/jobs", request, key=uuid4().hex))

    def source(self, picture: Picture) -> ImageSource:
        """What a job says about a picture; files are uploaded. Pass it on to use the picture in more jobs."""
        return source_of(picture, self._transport)

    def upload(self, picture: File) -> str:
        """Send an image file unless it is there already; the answer is its `upload_id`."""
        return upload(picture, self._transport)

    def send(self, announced: UploadRequest, picture: File) -> bool:
        """The same for a file whose digest is known already; whether it had to be sent."""
        return not send(announced, picture, self._transport).exists

    # --- jobs -----------------------------------------------------------------------------------

    def job(self, job_id: str) -> JobView:
        return parsed(JobView, self._transport.get(_path(job_id)))

    def jobs(
        self,
        status: JobStatus | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        batch_id: str | None = None,
        owner: str | None = None,
    ) -> JobPage:
        """Return one page, newest first, of a batch by line; `cursor` is the last page's `next_cursor`.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        wanted = {"status": status, "limit": limit, "cursor": cursor, "batch_id": batch_id, "owner": owner}
        query = {name: value for name, value in wanted.items() if value is not None}
        return parsed(JobPage, self._transport.get("/v1/jobs", query))

    def iter_jobs(
        self, status: JobStatus | None = None, *, page_size: int | None = None, owner: str | None = None
    ) -> Iterator[JobView]:
        """Yield all jobs, newest first, fetched page by page as they are consumed; `owner` as in `jobs`."""
        page = self.jobs(status, limit=page_size, owner=owner)
        yield from page.jobs
        while page.next_cursor is not None:
            page = self.jobs(status, limit=page_size, cursor=page.next_cursor, owner=owner)
            yield from page.jobs

    def wait(
        self,
        job: JobView | str,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[JobView], None] | None = None,
    ) -> JobView:
        """Block until the job has ended, well or badly; `on_change` sees every state, the first included.

        Raises:
            WaitTimeout: `timeout_seconds` are over; the job goes on.
        """
        deadline = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
        first = self.job(job) if isinstance(job, str) else job
        path = _path(first.id)
        for state in changes(self._transport, path, first, lambda job: job.finished, deadline=deadline):
            if on_change is not None:
                on_change(state)
        if not state.finished:
            raise WaitTimeout(state, timeout_seconds or 0)
        return state

    def save(self, job: JobView | str, target: str | os.PathLike[str]) -> Path:
        """Download the stylized image to a path, or into a folder that exists, named after the job.

        The file appears complete or not at all, and only if its SHA-256 digest is the one announced.

        Raises:
            JobFailed: the job ended without a picture.
            RequestRefused: it has not ended.
            ResultCorrupt: the digest differs.
        """
        view = job if isinstance(job, JobView) and job.finished else self.job(_id(job))
        sha256 = result_of(view).sha256
        path = Path(target)
        if path.is_dir():
            path /= view.id + suffix_of(view)
        download(view.id, sha256, path, self._transport)
        return path

    def result_url(self, job: JobView | str) -> str:
        """Return a presigned URL of the stylized image, for a program that has no API key.

        Raises:
            RequestRefused: there is no image, or not yet.
        """
        path = _path(_id(job), "/result")
        return self._transport.retries.persist(lambda: self._transport.stored_url(path))

    def cancel(self, job_id: str) -> JobView:
        """Ends a waiting job at once; a running one is `canceling` until its worker lets go."""
        return parsed(JobView, self._transport.post(_path(job_id, "/cancel")))

    def retry(self, job_id: str) -> JobView:
        """A new attempt of a job that failed, expired or was canceled."""
        return parsed(JobView, self._transport.post(_path(job_id, "/retry")))

    def delete(self, job_id: str) -> None:
        """Removes the record and the picture."""
        self._transport.delete(_path(job_id))

    # --- the service ----------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        return parsed(Capabilities, self._transport.get("/v1/capabilities"))

    def queue(self) -> QueueOverview:
        """What waits and runs, lane by lane, and the caller's own jobs by status."""
        return parsed(QueueOverview, self._transport.get("/v1/queue"))

    def usage(self, *, owner: str | None = None) -> Usage:
        """Return how much the caller has of what is limited; with an admin key, how much `owner` has."""
        return parsed(Usage, self._transport.get("/v1/usage", {"owner": owner} if owner else None))

    def greet(self) -> None:
        """Return once the service answers; a busy one is asked again.

        Raises:
            NobodyAnswers: no connection came about; it is tried once.
            ServiceUnavailable: it stays busy, or the connection fails in another way.
            UnexpectedAnswer: something else answers at this address.
        """
        self._transport.greet(ALIVE)

    def ready(self) -> bool:
        """Whether the service can take jobs now; asks once and does not try again."""
        return self._transport.answers("/readyz")

    def alive(self) -> bool:
        """Whether the service answers at all; asks once and does not try again."""
        return self._transport.answers(ALIVE)


def suffix_of(job: JobView) -> str:
    """The file name suffix of a job's picture, the dot included; empty if there is none."""
    return SUFFIXES.get(job.result.content_type, "") if job.result else ""


def _id(job: JobView | str) -> str:
    return job if isinstance(job, str) else job.id


def _path(job_id: str, step: str = "") -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}{step}"
