"""The records of batches: states, counters, rejected lines, and results."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.request_context import Origin
from shared.wire.descriptors import Lane
from shared.wire.loss_records import LossSummary
from shared.wire.records import JobError, JobResult, JobStatus, QueueView, Record, WebhookTarget


class BatchStatus(StrEnum):
    VALIDATING = "validating"  # its lines are being read; none of its jobs runs yet
    RUNNING = "running"  # accepted; not all of its jobs have ended
    FINALIZING = "finalizing"  # all have ended; its results are being written, or `error` says why not
    COMPLETED = "completed"  # all of its jobs have ended, well or badly
    CANCELED = "canceled"  # ended by its client
    FAILED = "failed"  # reading it was interrupted; none of its jobs runs, `error` says why


BATCH_FINAL = frozenset({BatchStatus.COMPLETED, BatchStatus.CANCELED, BatchStatus.FAILED})


class RejectedLine(Record):
    """A rejected line of a batch."""

    line: int = Field(description="The number of the line, job or combination, from 1.")
    custom_id: str | None = None
    code: str = Field(description="The stable word for a program.")
    pointer: str | None = Field(None, description="JSON pointer into the line.")
    detail: str


class BatchError(Record):
    """Why a batch failed as a whole, or why its results cannot be written yet."""

    code: str
    detail: str


class SkippedFiles(Record):
    """Files of one kind that were skipped, because their names are not those of pictures."""

    kind: str = Field(description="The suffix in lower case, `no suffix`, or `other`.")
    count: int


class BatchState(Record):
    """The common members of a batch's record and its HTTP view."""

    id: str
    status: BatchStatus
    seq: int = Field(description="Rises with every visible change; the ETag of the response.")
    total: int = Field(description="Accepted jobs.")
    counts: dict[JobStatus, int] = Field(description="Accepted jobs by status; they add up to `total`.")
    rejected: int = Field(description="Number of rejected lines.")
    skipped: tuple[SkippedFiles, ...] = Field(
        (),
        description="Skipped keys below `content_prefix`, by kind; their names are not those of pictures.",
    )
    metadata: dict[str, str] = Field(default_factory=dict)
    webhook: WebhookTarget | None = None
    error: BatchError | None = Field(
        None, description="Why it failed; while `finalizing`, why its results cannot be written yet."
    )
    losses: LossSummary | None = Field(
        None, description="Present after its end, if succeeded jobs measured or minimized losses."
    )
    created_at: datetime
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    paused_at: datetime | None = Field(
        None, description="Present while it is paused, so none of its jobs starts."
    )
    moving_to: Lane | None = Field(None, description="Present while its waiting jobs go to this lane.")

    @property
    def finished(self) -> bool:
        return self.status in BATCH_FINAL


class Batch(BatchState):
    """The record of a batch."""

    owner: str
    adopted_from: str | None = None  # its first owner, if it was given to another owner
    origin: Origin | None = None
    output_key: str | None = None
    errors_key: str | None = None

    @property
    def folder(self) -> str:
        """Return the owner's name in the keys of the batch's objects."""
        return self.adopted_from or self.owner


class BatchLinks(Record):
    """Absolute URLs."""

    self: str
    jobs: str
    results: str
    rejected: str
    archive: str
    events: str
    cancel: str
    output: str | None = Field(None, description="NDJSON of the jobs that succeeded, once it is written.")
    errors: str | None = Field(None, description="NDJSON of all other lines, once it is written.")


class Progress(Record):
    finished: int = Field(description="Jobs that have ended.")
    fraction: float = Field(description="0 to 1.")


class BatchView(BatchState):
    """The HTTP view of a batch."""

    owner: str | None = Field(None, description="The owner; only admins see it.")
    progress: Progress
    queue: QueueView | None = Field(
        None, description="Place of the last waiting job; present while jobs wait."
    )
    rejected_lines: tuple[RejectedLine, ...] = Field((), description="The first rejected lines.")
    links: BatchLinks


class BatchPage(Record):
    """Batches, newest first; `next_cursor` is absent on the last page."""

    batches: tuple[BatchView, ...]
    next_cursor: str | None = None


class BatchFailures(Record):
    """Failed jobs of a batch by error code; `next_cursor` is absent on the last page."""

    by_code: dict[str, int]
    next_cursor: str | None = None


class RowResult(JobResult):
    url: str | None = Field(
        None, description="Presigned: until it expires, anybody with this URL can read the picture."
    )


class ResultRow(Record):
    """One row of a batch's results: an ended job."""

    cursor: int | None = Field(None, description="Pass it as `after` to continue the stream after this row.")
    line: int = Field(description="The number of the job's line in the batch, from 1.")
    job_id: str
    custom_id: str | None = None
    status: JobStatus
    result: RowResult | None = None
    error: JobError | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
