"""The request for an estimate of jobs that are not submitted yet, and the estimate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.wire.base import Descriptor, Integral
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.params import Params
from shared.wire.records import QueueView, Record

MOST_JOBS = 1_000_000


class EstimateRequest(Descriptor):
    """Jobs of the same params."""

    params: Params = Params()
    jobs: Annotated[int, Field(ge=1, le=MOST_JOBS), Integral] = Field(1, description="How many.")
    lane: Lane = Field(
        Lane.NORMAL,
        strict=False,
        description="The lane in which they would wait; with method 'optimize' always 'optimize'.",
    )

    @property
    def chosen_lane(self) -> Lane:
        if self.params.method == "optimize":
            return Lane.OPTIMIZE
        return self.lane if self.lane in FAST_LANES else Lane.NORMAL


class EstimateView(Record):
    """The estimate, as of now."""

    relative_cost: float = Field(
        description="Expected time of one of the jobs, over that of a job with default params."
    )
    queue: QueueView = Field(
        description="The place of the last of the jobs in the queue. Its `eta_seconds` takes them to be like "
        "the jobs that ended lately."
    )
