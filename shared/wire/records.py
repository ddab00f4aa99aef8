"""What became of a request: the job, its states, and the steps between them that are legal."""

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
    CANCELING = "canceling"  # canceled while running; the worker has not let go yet
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
    """Who is told of an end."""

    url: str
    events: tuple[str, ...] = Field(description="The ends that it is told of.")


class JobWarning(Record):
    """A flaw of an input that did not keep the picture from being painted."""

    code: str = Field(description="The stable word for a program: 'image-truncated'.")
    detail: str


class JobResult(Record):
    """The stylized image and how it was made."""

    key: str = Field(description="Object key in `bucket`.")
    bucket: str | None = Field(None, description="The client's bucket; absent: the service's own.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int = Field(description="Size of the file.")
    sha256: str = Field(description="Digest of the file, in hexadecimal digits.")
    content_type: str
    model: str = Field(description="The model's handle.")
    device: str = Field(description="What the model ran on: 'cpu' or 'gpu:N'.")
    style_cache: Literal["hit", "miss"] = Field(description="Whether the worker knew all styles already.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage, `queue` among them.")
    warnings: tuple[JobWarning, ...] = Field((), description="Flaws of the inputs that did no harm.")
    losses: LossReport | None = Field(None, description="With `params.losses` or method 'optimize'.")
    optimization: Optimization | None = Field(None, description="With method 'optimize'.")


class JobError(Record):
    """Why a job failed."""

    code: str
    detail: str
    stage: str = Field(
        description="Where it failed: fetch, decode, style, model, optimize, encode, losses, put or run."
    )
    retryable: bool = Field(description="Whether submitting the same job again may help.")
    attempts: int


class JobState(Record):
    """What a job's record and its answer over HTTP have in common."""

    id: str
    batch_id: str | None = None
    status: JobStatus
    seq: int = Field(description="Rises with every visible change; the answer's ETag.")
    lane: Lane
    attempt: int = Field(description="How often the job was started.")
    max_attempts: int
    request: Stylization
    custom_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    webhook: WebhookTarget | None = None
    error: JobError | None = None
    progress: JobProgress | None = Field(None, description="While it runs, as its worker said last.")
    created_at: datetime
    started_at: datetime | None = Field(None, description="When the last attempt began.")
    finished_at: datetime | None = None
    expires_at: datetime | None = Field(
        None, description="A job that has not started by then ends as expired."
    )

    @property
    def finished(self) -> bool:
        return self.status in FINAL


class Job(JobState):
    """One job as its record has it."""

    owner: str
    adopted_from: str | None = Field(None, description="Its first owner, if it was given to another.")
    origin: Origin | None = Field(None, description="Of a batch's job: only while a worker holds it.")
    queued_at: datetime = Field(description="Its place in the lane: creation, or the last retry.")
    result: JobResult | None = None

    @property
    def folder(self) -> str:
        """The name below which the job's objects lie in the bucket."""
        return self.adopted_from or self.owner

    def members_of(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return what another model of the job has in common with it."""
        return {name: getattr(self, name) for name in Job.model_fields.keys() & model.model_fields.keys()}

    @property
    def queue_ms(self) -> float:
        """Milliseconds from when the job was queued to when this attempt began."""
        return round(((self.started_at or self.queued_at) - self.queued_at).total_seconds() * 1000, 2)


class Eta(Record):
    """Seconds from now until a job has ended, as the workers alive now go."""

    p50: float = Field(description="As likely earlier as later.")
    p90: float = Field(description="Nine times in ten earlier.")


class QueueView(Record):
    """Where a waiting job stands."""

    position: int | None = Field(
        None,
        description="1: the next of its lane to start; an estimate behind hundreds of batches or owners. "
        "Absent while it waits for another attempt.",
    )
    eta_seconds: Eta | None = Field(None, description="Absent while no worker has shown how fast it is.")
    runnable: bool = Field(
        description="Whether the lane is not paused, and a worker that is alive serves and understands it."
    )
    reason: str | None = Field(None, description="Why it is not runnable.")


class JobLinks(Record):
    """Where to go from here; absolute URLs."""

    self: str
    result: str
    preview: str | None = None
    cancel: str
    events: str
    batch: str | None = None


class ResultView(JobResult):
    url: str = Field(description="Leads to the file, by way of a fresh presigned URL.")


class JobView(JobState):
    """One job as the API answers it."""

    owner: str | None = Field(None, description="Whose it is; admins alone are told.")
    result: ResultView | None = None
    queue: QueueView | None = Field(None, description="While it waits.")
    links: JobLinks


class JobPage(Record):
    """Jobs, newest first; `next_cursor` is absent on the last page."""

    jobs: tuple[JobView, ...]
    next_cursor: str | None = None


class StoredFile(Record):
    """Where a file lies for a while."""

    url: str = Field(description="Presigned: it is a permission by itself, so send no API key to it.")
    content_type: str
    expires_at: datetime


class Upload(Record):
    """Where an announced file goes; `exists` says that it need not be sent."""

    upload_id: str
    exists: bool
    method: str = "PUT"
    url: str = Field(description="Presigned; send the file to it with `headers`.")
    headers: dict[str, str]
    expires_at: datetime


class WorkerInfo(Record):
    """One worker process as its last heartbeat described it."""

    id: str
    host: str
    pid: int
    version: str | None = Field(None, description="Of the software.")
    device: str
    model: str = Field(description="The model's handle.")
    model_digest: str | None = Field(
        None, description="SHA-256 of the model's files: workers with the same one paint alike."
    )
    lanes: tuple[Lane, ...]
    slots: int = Field(description="Jobs that it holds at a time.")
    busy: int = Field(description="Jobs that it holds now.")
    job_ids: tuple[str, ...] = Field((), description="Those jobs.")
    rate: float | None = Field(
        None, description="Jobs per second that it ended lately while it had any; absent before the first."
    )
    rss_bytes: int | None = Field(None, description="Memory of the process, without its decoders.")
    memory_budget_bytes: int | None = Field(None, description="Of that, what one call of the model may take.")
    model_loads: int = Field(description="How often this process loaded the model.")
    level: int = Field(
        BASE_VERSION,
        description="Of the record format that it understands; one that needs more is left alone.",
    )
    draining: bool = Field(False, description="It takes no more jobs, and ends when it holds none.")
    started_at: datetime
    last_seen_at: datetime


class WorkerList(Record):
    workers: tuple[WorkerInfo, ...]


class Health(Record):
    status: Literal["ok"] = "ok"


class Readiness(Record):
    """'ok', or why not."""

    redis: str
    bucket: str
    worker: str


class Capabilities(Record):
    """What this service accepts."""

    formats_in: tuple[str, ...]
    formats_out: tuple[str, ...]
    sources: tuple[str, ...]
    lanes: tuple[Lane, ...]
    methods: tuple[str, ...] = Field((), description="Of `params.method`.")
    models: tuple[str, ...] = Field(description="Handles of the models that workers have loaded now.")
    limits: dict[str, float] = Field(description="Bytes, pixels, seconds and counts, by name.")


class InvalidMember(Record):
    """One member of a request that cannot be accepted."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request; empty for the whole.")
    detail: str


class Problem(Record):
    """An error as RFC 9457 has it, in `application/problem+json`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="The stable word for a program.")
    pointer: str | None = None
    errors: tuple[InvalidMember, ...] = ()
    request_id: str | None = Field(None, description="What the service's log knows the request by.")
