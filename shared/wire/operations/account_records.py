"""Accounts: what the ended jobs of an owner took."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from shared.wire.records import Record

ACCOUNT_DAYS = 400  # for which the account of a day is kept: a year, and the month after it


class By(StrEnum):
    """The subject of a row."""

    DAY = "day"  # a day by UTC
    KEY = "key"  # an API key


class Took(Record):
    """Ended jobs, and what the attempts at jobs took. A job that was retried after its end counts again."""

    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    expired: int = 0
    pixels: int = Field(0, description="Pixels of the pictures that jobs ended with.")
    device_seconds: float = Field(
        0.0, description="Time on the model. Pictures that share a call share its time by their pixels."
    )
    bytes_in: int = Field(0, description="Bytes of the image files that workers read.")
    bytes_out: int = Field(0, description="Bytes of the pictures that jobs ended with.")

    @property
    def jobs(self) -> int:
        return self.succeeded + self.failed + self.canceled + self.expired


class AccountRow(Took):
    """One day or one key; days and keys of which there is nothing to tell are left out."""

    day: date | None = Field(None, description="Present in an account by day.")
    key_id: str | None = Field(
        None,
        description="Present in an account by key, except for jobs that came without a key or through an "
        "older version of the service.",
    )


class Account(Record):
    """The account of an owner in a span of days."""

    first_day: date = Field(description="By UTC, like all days.")
    last_day: date
    by: By
    rows: tuple[AccountRow, ...] = Field(
        description="The latest day first; the key with the most jobs first."
    )
    total: Took
