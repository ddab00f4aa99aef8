"""The records of jobs: states, legal transitions, results, and the views over HTTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.request_context import Origin
from shared.wire.descriptors import Lane, Stylization
from shared.wire.loss_records import JobProgress, LossReport, Optimization
from shared.wire.record_version import BASE_VERSION


class JobStatus(StrEnum):
    QUEUED = "queued"  # accepted, waiting for a worker
    RUNNING = "running"  # claimed by a worker that keeps its lease
    CANCELING = "canceling"  # canceled while running; its worker still holds it
    SUCCEEDED = "succeeded"  # the picture is in the bucket
    FAILED = "failed"  # ended without a picture; `error` says why
    CANCELED = "canceled"  # ended by its client
    EXPIRED = "expired"  # had not started within `start_within`


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELED, JobStatus.EXPIRED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.QUEUED, JobStatus.CANCELING}
    ),
    JobStatus.CANCELING: frozenset({JobStatus.CANCELED}),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),  # by POST .../retry
    JobStatus.CANCELED: frozenset({JobStatus.QUEUED}),  # by POST .../retry
    JobStatus.EXPIRED: frozenset({JobStatus.QUEUED}),  # by POST .../retry
}
FINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED})


class Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class WebhookTarget(Record):
    """The receiver of a webhook."""

    url: str
    events: tuple[str, ...] = Field(description="The events that it receives.")


class JobWarning(Record):
    """A flaw of an input image that did not prevent the painting."""

    code: str = Field(
        description="The stable word for a program: 'image-truncated', 'image-animated', 'metadata-left-out' "
        "or 'profile-left-out'."
    )
    detail: str


class Thumbnail(Record):
    """A small JPEG of a result, in the service's bucket."""

    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int = Field(description="Size of the file.")


class JobResult(Record):
    """The stylized image and how it was made."""

    key: str = Field(description="Object key in `bucket`.")
    bucket: str | None = Field(None, description="The client's bucket; absent: the service's own.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    source_width: int | None = Field(
        None, description="Pixels of the content image; present if it was scaled down."
    )
    source_height: int | None = Field(None, description="Pixels; present with `source_width`.")
    bytes: int = Field(description="Size of the file.")
    sha256: str = Field(description="Digest of the file, in hexadecimal digits.")
    content_type: str
    model: str = Field(description="The model's handle.")
    device: str = Field(description="What the model ran on: 'cpu' or 'gpu:N'.")
    style_cache: Literal["hit", "miss"] = Field(description="'hit': the worker had all styles in its cache.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage, `queue` among them.")
    warnings: tuple[JobWarning, ...] = Field((), description="Harmless flaws of the inputs.")
    losses: LossReport | None = Field(None, description="Present with `params.losses` or method 'optimize'.")
    optimization: Optimization | None = Field(None, description="Present with method 'optimize'.")
    thumbnail: Thumbnail | None = Field(
        None, description="Absent if the result is small enough to be its own thumbnail."
    )


class JobError(Record):
    """Why a job failed."""

    code: str
    detail: str
    stage: str = Field(
        description="Where it failed: fetch, decode, style, model, optimize, encode, losses, put or run."
    )
    retryable: bool = Field(description="Submitting the same job again may help.")
    attempts: int


class JobState(Record):
    """The common members of a job's record and its HTTP view."""

    id: str
    batch_id: str | None = None
    status: JobStatus
    seq: int = Field(description="Rises with every visible change; the ETag of the response.")
    lane: Lane
    attempt: int = Field(description="How often the job was started.")
    max_attempts: int
    request: Stylization
    custom_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    webhook: WebhookTarget | None = None
    error: JobError | None = None
    device_seconds: float | None = Field(
        None, description="Time on the model, of all attempts; pictures that share a call share its time."
    )
    bytes_in: int | None = Field(None, description="Bytes of the image files that its attempts read.")
    progress: JobProgress | None = Field(
        None, description="Present while it runs: what its worker last reported."
    )
    chosen_side: int | None = Field(
        None,
        description="Longest side in pixels that a worker chose, as the request names none. Later attempts "
        "keep it.",
    )
    created_at: datetime
    started_at: datetime | None = Field(None, description="When the last attempt began.")
    finished_at: datetime | None = None
    expires_at: datetime | None = Field(None, description="A job that has not started by then expires.")

    @property
    def finished(self) -> bool:
        return self.status in FINAL


class Job(JobState):
    """The record of a job."""

    owner: str
    adopted_from: str | None = Field(None, description="Its first owner, if it was given to another owner.")
    origin: Origin | None = Field(
        None,
        description="The request that submitted the job; for a batch's job, known only while a worker "
        "holds it.",
    )
    queued_at: datetime = Field(
        description="The time that orders it in the lane: when it was created, or last retried."
    )
    result: JobResult | None = None

    @property
    def folder(self) -> str:
        """Return the owner's name in the keys of the job's objects."""
        return self.adopted_from or self.owner

    def members_of(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return what another model of the job has in common with it."""
        return {name: getattr(self, name) for name in Job.model_fields.keys() & model.model_fields.keys()}

    @property
    def queue_ms(self) -> float:
        """Milliseconds from when the job was queued to when this attempt began."""
        return round(((self.started_at or self.queued_at) - self.queued_at).total_seconds() * 1000, 2)


class Eta(Record):
    """Seconds until a job ends, at the rate of the live workers."""

    p50: float = Field(description="The median.")
    p90: float = Field(description="The 90th percentile.")


class QueueView(Record):
    """The position of a waiting job in the queue."""

    position: int | None = Field(
        None,
        description="Place in its lane; 1 starts next. An estimate with hundreds of batches or owners ahead. "
        "Absent while it waits for another attempt.",
    )
    eta_seconds: Eta | None = Field(None, description="Absent until a worker has ended a job.")
    runnable: bool = Field(
        description="The lane is not paused, and a live worker serves it and understands the job."
    )
    reason: str | None = Field(None, description="Why it is not runnable.")


class JobLinks(Record):
    """Absolute URLs."""

    self: str
    result: str
    thumbnail: str | None = None
    preview: str | None = None
    cancel: str
    events: str
    batch: str | None = None


class ResultView(JobResult):
    url: str = Field(description="Redirects to a fresh presigned URL of the file.")


class JobView(JobState):
    """The HTTP view of a job."""

    owner: str | None = Field(None, description="The owner; only admins see it.")
    result: ResultView | None = None
    queue: QueueView | None = Field(None, description="Present while it waits.")
    links: JobLinks


class JobPage(Record):
    """Jobs, newest first; `next_cursor` is absent on the last page."""

    jobs: tuple[JobView, ...]
    next_cursor: str | None = None


class StoredFile(Record):
    """A temporary URL of a file."""

    url: str = Field(description="Presigned: the URL is the permission, so send no API key to it.")
    content_type: str
    expires_at: datetime


class Upload(Record):
    """The target of an announced file. If it `exists`, it need not be sent."""

    upload_id: str
    exists: bool
    method: str = "PUT"
    url: str = Field(description="Presigned; send the file there with `headers`.")
    headers: dict[str, str]
    expires_at: datetime


class EngineState(Record):
    """The engine that paints for a worker, at the worker's last heartbeat."""

    waiting: int = Field(description="Pictures that wait for a call of the model.")
    gpu: str | None = Field(None, description="The GPU's name.")
    gpu_memory_used_bytes: int | None = Field(None, description="Memory of the GPU that is in use.")
    gpu_memory_total_bytes: int | None = Field(None, description="Memory of the GPU.")
    gpu_utilization: float | None = Field(
        None, description="Share of the last second or less in which the GPU worked, 0 to 1."
    )


class WorkerInfo(Record):
    """One worker process as its last heartbeat described it."""

    id: str
    host: str
    pid: int
    version: str | None = Field(None, description="The software's version.")
    device: str
    model: str = Field(description="The model's handle.")
    model_digest: str | None = Field(
        None, description="SHA-256 of the model's files; workers with the same digest make the same pictures."
    )
    lanes: tuple[Lane, ...]
    slots: int = Field(description="Jobs that it can hold at a time.")
    busy: int = Field(description="Jobs that it holds now.")
    job_ids: tuple[str, ...] = Field((), description="The jobs that it holds now.")
    rate: float | None = Field(
        None, description="Recent jobs per second while busy; absent before the first job."
    )
    rss_bytes: int | None = Field(None, description="Memory of the process, without its decoders.")
    memory_budget_bytes: int | None = Field(None, description="Memory that one model call may take.")
    model_loads: int = Field(description="How often this process loaded the model.")
    optimize_rate: float | None = Field(
        None, description="Steps of minimizations on one pixel in a second; absent until they were measured."
    )
    level: int = Field(
        BASE_VERSION,
        description="Highest record version that it understands; it leaves jobs alone that need a "
        "higher one.",
    )
    engine: EngineState | None = Field(None, description="Absent if the process has the model itself.")
    draining: bool = Field(False, description="It takes no more jobs and ends when it holds none.")
    started_at: datetime
    last_seen_at: datetime


class WorkerList(Record):
    workers: tuple[WorkerInfo, ...]


class Health(Record):
    status: Literal["ok"] = "ok"


class Readiness(Record):
    """The state of each dependency: 'ok', or a reason."""

    redis: str
    bucket: str
    worker: str


class Capabilities(Record):
    """The formats, methods and limits of this service."""

    formats_in: tuple[str, ...]
    formats_out: tuple[str, ...]
    sources: tuple[str, ...]
    lanes: tuple[Lane, ...]
    methods: tuple[str, ...] = Field((), description="The values of `params.method`.")
    models: tuple[str, ...] = Field(description="Handles of the models that live workers have loaded.")
    optimize_rate: float | None = Field(
        None,
        description="Steps of minimizations on one pixel in a second, of the slowest live worker that has "
        "measured them.",
    )
    limits: dict[str, float] = Field(description="Bytes, pixels, seconds and counts, by name.")


class InvalidMember(Record):
    """One member of a request that cannot be accepted."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request; empty: the whole request.")
    detail: str


class Problem(Record):
    """An error in `application/problem+json` (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="The stable word for a program.")
    pointer: str | None = None
    errors: tuple[InvalidMember, ...] = ()
    request_id: str | None = Field(None, description="The request's id in the service's log.")
