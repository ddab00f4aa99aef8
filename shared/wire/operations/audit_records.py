"""The audit log: who did what to the service, its keys and its batches, and when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.wire.job_filter import Moment
from shared.wire.records import Record

MAX_TEXT = 200  # characters of a member that comes from a name or a request


class AuditAction(StrEnum):
    """An action that the log keeps."""

    KEY_CREATED = "key-created"
    KEY_REVOKED = "key-revoked"
    RECORDS_ADOPTED = "records-adopted"
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    LANE_PAUSED = "lane-paused"
    LANE_RESUMED = "lane-resumed"
    WORKER_DRAINED = "worker-drained"
    OWNER_LIMITED = "owner-limited"
    BATCH_PAUSED = "batch-paused"
    BATCH_RESUMED = "batch-resumed"
    BATCH_MOVED_FIRST = "batch-moved-first"
    BATCH_MOVED_TO_LANE = "batch-moved-to-lane"
    BATCH_CANCELED = "batch-canceled"
    BATCH_RETRIED = "batch-retried"
    BATCH_DELETED = "batch-deleted"
    BULK_ACTION_CREATED = "bulk-action-created"
    BULK_ACTION_CONFIRMED = "bulk-action-confirmed"
    BULK_ACTION_DELETED = "bulk-action-deleted"
    DEAD_LETTERS_REPLAYED = "dead-letters-replayed"
    JOB_CANCELED = "job-canceled"  # single jobs: only if they are another owner's
    JOB_RETRIED = "job-retried"
    JOB_DELETED = "job-deleted"
    WEBHOOK_REDELIVERED = "webhook-redelivered"
    WEBHOOK_SECRET_REPLACED = "webhook-secret-replaced"  # noqa: S105 - no secret
    STORAGE_SET_UP = "storage-set-up"
    UPLOADS_ADOPTED = "uploads-adopted"


class AuditList(StrEnum):
    """A list of the log, which forgets its oldest entries by itself."""

    OPERATORS = "operators"  # actions of admins and of commands
    OWNERS = "owners"  # actions of all other keys


class Actor(Record):
    """The sender of a request, or the user of a command."""

    owner: str | None = Field(None, description="The key's owner; `anonymous` while no key is needed.")
    key_id: str | None = None
    key_name: str | None = None
    by_session: bool = Field(False, description="It came from a browser's session.")
    command_line: str | None = Field(None, description="HOST/USER of a command on Redis or the storage.")


class AuditEntry(Record):
    """One action that was done."""

    id: str
    at: datetime
    actor: Actor | None = Field(
        None, description="Who did it; absent if it was an operator and the reader is no admin."
    )
    action: AuditAction
    subject: str | None = Field(None, description="The id or name of what it was done to.")
    owner: str | None = Field(None, description="The owner of the subject; `*`: all owners.")
    request_id: str | None = Field(None, description="Id of the request, as in the service's log.")
    details: dict[str, str | int] = Field(default_factory=dict)


class AuditFilter(BaseModel):
    """Conditions that an entry must meet, all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: AuditAction | None = None
    actor: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Entries whose actor has this text in its owner, key id, key name or command line.",
    )
    since: Moment | None = Field(None, description="Entries of this time (UTC) or later.")
    until: Moment | None = Field(None, description="Entries before this time (UTC).")


class AuditPage(Record):
    """Entries, newest first; `next_cursor` is absent on the last page."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None = None
