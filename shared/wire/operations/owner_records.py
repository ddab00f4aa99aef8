"""Owners as admins see them: what they use, and their limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.wire.base import Descriptor, Integral
from shared.wire.operations.account_records import Took
from shared.wire.records import Record

MOST_LIMIT = 10_000_000

Limit = Annotated[int, Field(ge=0, le=MOST_LIMIT), Integral]


class OwnerLimits(Descriptor):
    """An owner's own limits, in place of the service's."""

    max_running: Limit | None = Field(
        None,
        description="Most running jobs, in all lanes together; 0: any number; null or absent: the setting "
        "`max_running_per_owner`.",
    )
    max_waiting: Limit | None = Field(
        None,
        description="Most waiting jobs; 0: no job is accepted; null or absent: the setting "
        "`max_queued_per_owner`.",
    )


class OwnerView(Record):
    """One owner at this moment, and what the owner's jobs took."""

    owner: str
    waiting: int = Field(description="Jobs that no worker holds.")
    running: int = Field(description="Jobs that workers hold.")
    most_running: int | None = Field(None, description="The limit in force; absent: any number.")
    most_waiting: int = Field(description="The limit in force.")
    limits: OwnerLimits = Field(description="The owner's own limits; absent members: the settings' limits.")
    stored_bytes: int = Field(description="Bytes of results and announced uploads.")
    most_stored_bytes: int = Field(description="The limit in force.")
    keys: int = Field(description="API keys that have not expired.")
    last_day: Took = Field(description="Today, by UTC.")
    last_7_days: Took = Field(description="Today and the six days before it.")
    last_30_days: Took = Field(description="Today and the 29 days before it.")
    span: Took | None = Field(None, description="From `from` to `to`; present if the query has one of them.")


class OwnerPage(Record):
    """Owners by name; `next_cursor` is absent on the last page."""

    owners: tuple[OwnerView, ...]
    first_day: date | None = Field(None, description="The first day of `span`, by UTC.")
    last_day: date | None = Field(None, description="The last day of `span`.")
    next_cursor: str | None = None
