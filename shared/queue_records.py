"""What the lanes hold, as operators and autoscalers are told."""

from __future__ import annotations

from pydantic import Field

from shared.descriptors import Lane
from shared.records import Record


class LaneState(Record):
    """One lane at one moment, the jobs of all owners."""

    lane: Lane
    waiting: int = Field(description="Jobs in the store, those of batches being read among them.")
    scheduled: int = Field(description="Jobs that wait for the time of their next attempt.")
    dispatched: int = Field(description="Jobs whose message is in the broker.")
    running: int = Field(description="Jobs that a worker holds.")
    canceling: int = Field(description="Of those that a worker holds, besides `running`: canceled ones.")
    oldest_seconds: float | None = Field(
        None,
        description="For how long the oldest job that could start has waited; absent if there is none. "
        "With more than a hundred owners whose jobs wait it may have waited longer.",
    )
    paused: bool = Field(False, description="No job of it starts until an operator resumes it.")

    @property
    def queued(self) -> int:
        """Jobs that no worker holds."""
        return self.waiting + self.scheduled + self.dispatched

    @property
    def held(self) -> int:
        return self.running + self.canceling
