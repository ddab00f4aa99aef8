"""Bulk actions: one step done to all jobs that meet a filter."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.wire.base import Descriptor, Integral
from shared.wire.job_filter import EVERY_JOB, JobFilter
from shared.wire.records import Record


class Action(StrEnum):
    """The change that a bulk action makes to each job."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class BulkStatus(StrEnum):
    COUNTING = "counting"  # the jobs that meet the filter are being counted; nothing has changed
    COUNTED = "counted"  # waits for its confirmation
    RUNNING = "running"  # confirmed; it goes on until it is done, whoever advances it
    DONE = "done"


class BulkRequest(BaseModel):
    """The action, and the jobs that it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    filter: JobFilter = Field(
        EVERY_JOB, description="Conditions that a job must meet; without any: all jobs."
    )


class Confirmation(Descriptor):
    """Confirms a counted action."""

    count: Annotated[int, Field(ge=0, le=2**53), Integral] = Field(
        description="`matched`, as the service counted it."
    )


class BulkAction(Record):
    """A bulk action and its progress."""

    id: str
    action: Action
    filter: JobFilter
    of: str = Field(description="The owner of the jobs; `*`: all owners.")
    status: BulkStatus
    matched: int = Field(description="Jobs that met the filter, as far as they are counted.")
    looked: int = Field(description="Of the confirmed jobs, those that were reached so far.")
    changed: int = Field(description="Of these, the jobs that were canceled, queued again or deleted.")
    created_at: datetime


class BulkActionList(Record):
    """Bulk actions, newest first."""

    bulk_actions: tuple[BulkAction, ...]
