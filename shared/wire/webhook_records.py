"""Words about webhooks: what is sent, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.base import Descriptor, WebhookUrl
from shared.wire.batch_records import BatchError, BatchLinks
from shared.wire.records import JobError, JobLinks, JobStatus, JobWarning, Record


class DeliveryStatus(StrEnum):
    PENDING = "pending"  # to be sent, or sent again
    DELIVERED = "delivered"  # its receiver has it
    FAILED = "failed"  # given up: no attempt is left, or its receiver wants no more


class Attempt(Record):
    """One try to deliver a webhook."""

    at: datetime
    duration_ms: float
    status_code: int | None = Field(None, description="Absent when there was no answer.")
    reason: str | None = Field(None, description="Why it was no success.")
    answer: str | None = Field(None, description="The beginning of the answer's body.")


class Delivery(Record):
    """One webhook that is to be sent, or was."""

    id: str = Field(description="Its header `webhook-id`, the same at every attempt.")
    type: str = Field(description="What it tells of.")
    status: DeliveryStatus
    url: str
    owner: str | None = Field(None, description="Whose it is; admins alone are told.")
    job_id: str | None = None
    batch_id: str | None = None
    attempts: int = Field(description="How often it was tried.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(None, description="While it is pending.")
    last_attempt: Attempt | None = None


class DeliveryView(Delivery):
    """A delivery with its last attempts, the oldest first."""

    log: tuple[Attempt, ...] = ()


class DeliveryPage(Record):
    """Deliveries, newest first; `next_cursor` is absent on the last page."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None = None


class WebhookSecret(Record):
    """What an owner's webhooks are signed with."""

    secret: str = Field(description="`whsec_` and a key in base64; for the receiver to verify with.")
    old_secret_signs_until: datetime | None = Field(
        None, description="Until then a second signature is made with the secret before this one."
    )


class WebhookTest(Descriptor):
    """Where to send an event that tells of nothing."""

    url: WebhookUrl


# --- what is sent ---------------------------------------------------------------------------------


class SentResult(Record):
    """The stylized image, without its place in the storage: `url` leads to it, for its owner."""

    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int
    sha256: str
    content_type: str
    model: str
    device: str
    style_cache: str
    warnings: tuple[JobWarning, ...] = Field((), description="Flaws of the inputs that did no harm.")
    timings_ms: dict[str, float]
    url: str


class JobOutcome(Record):
    """How a job ended; whatever it was tried again for since."""

    id: str
    batch_id: str | None = None
    status: JobStatus
    custom_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    attempt: int
    result: SentResult | None = None
    error: JobError | None = None
    created_at: datetime
    finished_at: datetime
    links: JobLinks


class BatchOutcome(Record):
    """How a batch ended; whatever of it was tried again since."""

    id: str
    status: str
    total: int
    counts: dict[JobStatus, int]
    rejected: int
    metadata: dict[str, str] = Field(default_factory=dict)
    error: BatchError | None = None
    created_at: datetime
    finished_at: datetime
    links: BatchLinks


class TestOutcome(Record):
    """Nothing happened."""

    detail: str = "This is a test; no job and no batch has ended."


class WebhookEvent(Record):
    """The body of a webhook, as Standard Webhooks has it."""

    type: str
    timestamp: datetime = Field(description="When it happened; the same at every attempt.")
    data: JobOutcome | BatchOutcome | TestOutcome
