"""What became of a batch: its states, its counters, the lines that were rejected, and its results."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.request_context import Origin
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
    """A line of a batch that became no job."""

    line: int = Field(description="Counted from 1; of `jobs` or a combination, its place in the order.")
    custom_id: str | None = None
    code: str = Field(description="The stable word for a program.")
    pointer: str | None = Field(None, description="JSON pointer into the line.")
    detail: str


class BatchError(Record):
    """Why a batch failed as a whole, or why its results cannot be written yet."""

    code: str
    detail: str


class SkippedFiles(Record):
    """Files of one kind that became no line, because their names are not those of pictures."""

    kind: str = Field(description="The suffix of their names in lower case; `no suffix`, or `other`.")
    count: int


class BatchState(Record):
    """What a batch's record and its answer over HTTP have in common."""

    id: str
    status: BatchStatus
    seq: int = Field(description="Rises with every visible change; the answer's ETag.")
    total: int = Field(description="Accepted jobs.")
    counts: dict[JobStatus, int] = Field(description="Accepted jobs by status; they add up to `total`.")
    rejected: int = Field(description="Lines that became no job.")
    skipped: tuple[SkippedFiles, ...] = Field(
        (), description="Keys below `content_prefix` that do not have the name of a picture, by kind."
    )
    metadata: dict[str, str] = Field(default_factory=dict)
    webhook: WebhookTarget | None = None
    error: BatchError | None = Field(
        None, description="Why it failed; while it is `finalizing`, why its results cannot be written so far."
    )
    losses: LossSummary | None = Field(
        None, description="Once it has ended, if jobs that succeeded were asked for them or minimized them."
    )
    created_at: datetime
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.status in BATCH_FINAL


class Batch(BatchState):
    """One batch as its record has it."""

    owner: str
    adopted_from: str | None = None  # its first owner, if it was given to another
    origin: Origin | None = None
    output_key: str | None = None
    errors_key: str | None = None

    @property
    def folder(self) -> str:
        """The name below which the batch's objects lie in the bucket."""
        return self.adopted_from or self.owner


class BatchLinks(Record):
    """Where to go from here; absolute URLs."""

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
    """One batch as the API answers it."""

    owner: str | None = Field(None, description="Whose it is; admins alone are told.")
    progress: Progress
    queue: QueueView | None = Field(None, description="While jobs wait: about the last of them.")
    rejected_lines: tuple[RejectedLine, ...] = Field((), description="The first of them.")
    links: BatchLinks


class BatchPage(Record):
    """Batches, newest first; `next_cursor` is absent on the last page."""

    batches: tuple[BatchView, ...]
    next_cursor: str | None = None


class RowResult(JobResult):
    url: str | None = Field(None, description="Presigned; for a while, for everybody who knows it.")


class ResultRow(Record):
    """One line of a batch's results: a job that has ended."""

    cursor: int | None = Field(
        None, description="Asked for with `after`, the stream goes on behind this row."
    )
    line: int = Field(description="The line of the batch that the job came from, counted from 1.")
    job_id: str
    custom_id: str | None = None
    status: JobStatus
    result: RowResult | None = None
    error: JobError | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
