"""The series of the last hour and day: how many jobs ended, failed and waited, point by point."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.records import Record

STAGES = ("queue", "fetch", "decode", "style", "model", "optimize", "encode", "losses", "put")


class Window(StrEnum):
    """The time that a series covers."""

    HOUR = "hour"  # points of a minute
    DAY = "day"  # points of a quarter of an hour


class Point(Record):
    """A span of time that ends at `at`."""

    at: datetime = Field(description="The end of the span, by Redis' clock.")
    seconds: float = Field(description="Length of the span; longer if nothing was noted for a while.")
    ended: dict[str, int] = Field(description="Jobs that ended in the span, by status.")
    ended_per_second: float
    failure_rate: float | None = Field(
        None, description="Failed jobs as a part of those that succeeded or failed; absent without any."
    )
    queued: int = Field(description="Jobs that no worker held at the end of the span.")
    running: int = Field(description="Jobs that workers held at the end of the span.")
    oldest_seconds: float | None = Field(
        None, description="Waiting time of the oldest job that could start, at the end; absent without one."
    )
    stage_ms: dict[str, float] = Field(
        {},
        description="Mean milliseconds by stage, of the jobs that succeeded in the span and had the stage; "
        "`queue` is the waiting time.",
    )


class Stats(Record):
    """A series, the oldest point first. It has gaps where no worker lived, as a worker notes the points."""

    window: Window
    points: tuple[Point, ...]
