"""The requests and records of dead letters: jobs that failed after all attempts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.wire.records import Record


class ReplayRequest(BaseModel):
    """The dead letters to replay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str | None = Field(
        None, min_length=1, max_length=64, description="Only jobs whose error has this code; null: all."
    )


class Replayed(Record):
    replayed: int = Field(description="Jobs that are queued again.")
