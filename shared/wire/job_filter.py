"""The jobs that a list or a bulk action is about."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.wire.descriptors import Label, Lane
from shared.wire.records import JobStatus
from shared.wire.words import in_words

_DATE = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
Moment = Annotated[
    str,
    StringConstraints(pattern=f"^{_DATE}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"),
    in_words("It must be a time in UTC like 2026-05-31T18:00:00Z"),
]


class Conditions(BaseModel):
    """Conditions that a job must meet, all of them. None matches every job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lane: Lane | None = None
    tag: Label | None = None
    batch_id: str | None = Field(
        None, pattern=r"^batch_[0-9a-f]{26}$", description="Jobs of this batch, by line."
    )
    code: str | None = Field(None, min_length=1, max_length=64, description="Jobs with this error code.")
    custom_id: Label | None = None
    text: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Jobs with this text in `custom_id`, a tag, a value of `metadata`, or the error; in "
        "upper or lower case.",
    )
    created_after: Moment | None = Field(None, description="Jobs created at this time (UTC) or later.")
    created_before: Moment | None = Field(None, description="Jobs created before this time (UTC).")


class JobFilter(Conditions):
    """Conditions of jobs in any status."""

    status: JobStatus | None = None

    @property
    def is_search(self) -> bool:
        """Return whether a list must read jobs that it does not return."""
        return any((self.status, self.lane, self.tag, self.code, self.custom_id, self.text))

    @classmethod
    def of_failed(cls, conditions: Conditions) -> Self:
        """Return the filter for failed jobs that meet the conditions."""
        return cls(status=JobStatus.FAILED, **conditions.model_dump(include=set(Conditions.model_fields)))


EVERY_JOB = JobFilter()


def moment_of(text: str) -> datetime:
    """Return the time. A day that the month does not have counts on into the next month."""
    year, month, day, hour, minute, second = map(int, re.findall("[0-9]+", text))
    rest = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    return datetime(year, month, 1, tzinfo=UTC) + rest
