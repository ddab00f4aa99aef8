"""The records of webhooks: deliveries and their bodies."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.base import Descriptor, WebhookUrl
from shared.wire.batch_records import BatchError, BatchLinks
from shared.wire.records import JobError, JobLinks, JobStatus, JobWarning, Record, Thumbnail


class DeliveryStatus(StrEnum):
    PENDING = "pending"  # waits for its first or next attempt
    DELIVERED = "delivered"  # the receiver accepted it
    FAILED = "failed"  # given up: no attempt is left, or the receiver wants no more


class Attempt(Record):
    """One attempt to deliver a webhook."""

    at: datetime
    duration_ms: float
    status_code: int | None = Field(None, description="Absent without a response.")
    reason: str | None = Field(None, description="Why it failed.")
    answer: str | None = Field(None, description="The beginning of the response's body.")


class Delivery(Record):
    """One webhook, sent or pending."""

    id: str = Field(description="The header `webhook-id`, equal for all attempts.")
    type: str = Field(description="The event.")
    status: DeliveryStatus
    url: str
    owner: str | None = Field(None, description="The owner; only admins see it.")
    job_id: str | None = None
    batch_id: str | None = None
    attempts: int = Field(description="Number of attempts.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(None, description="Present while it is pending.")
    last_attempt: Attempt | None = None


class DeliveryView(Delivery):
    """A delivery with its last attempts, the oldest first."""

    log: tuple[Attempt, ...] = ()


class DeliveryPage(Record):
    """Deliveries, newest first; `next_cursor` is absent on the last page."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None = None


class WebhookSecret(Record):
    """The signing secret of an owner's webhooks."""

    secret: str = Field(description="`whsec_` and a key in base64; the receiver verifies with it.")
    old_secret_signs_until: datetime | None = Field(
        None, description="Until then, webhooks also have a signature with the previous secret."
    )


class WebhookTest(Descriptor):
    """A request to send a test event."""

    url: WebhookUrl


# --- what is sent ---------------------------------------------------------------------------------


class SentResult(Record):
    """The stylized image, without its key in the storage; its owner can follow `url`."""

    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    source_width: int | None = Field(None, description="Pixels; present if the content was scaled down.")
    source_height: int | None = Field(None, description="Pixels; present with `source_width`.")
    bytes: int
    sha256: str
    content_type: str
    model: str
    device: str
    style_cache: str
    warnings: tuple[JobWarning, ...] = Field((), description="Harmless flaws of the inputs.")
    timings_ms: dict[str, float]
    thumbnail: Thumbnail | None = Field(
        None, description="Absent if the result is small enough to be its own thumbnail."
    )
    url: str


class JobOutcome(Record):
    """The end of a job, even if it was retried since."""

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
    """The end of a batch, even if some of it was retried since."""

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
    """The data of a test event."""

    detail: str = "This is a test; no job and no batch has ended."


class WebhookEvent(Record):
    """The body of a webhook (Standard Webhooks)."""

    type: str
    timestamp: datetime = Field(description="Time of the event, equal for all attempts.")
    data: JobOutcome | BatchOutcome | TestOutcome
