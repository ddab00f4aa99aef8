"""How far each order is, and what that adds up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from client.orders import Order


class Stage(StrEnum):
    SENDING = "sending"  # not known to the service yet
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"  # the file is there
    FAILED = "failed"  # there will be no file


ENDED = frozenset({Stage.DONE, Stage.FAILED})


@dataclass(frozen=True)
class Report:
    order: Order
    stage: Stage
    job_id: str | None = None
    reason: str = ""


@dataclass
class Tally:
    """What the reports so far add up to."""

    total: int
    latest: dict[Order, Report] = field(default_factory=dict)
    counts: Counter[Stage] = field(default_factory=Counter)

    def add(self, report: Report) -> None:
        before = self.latest.get(report.order)
        if before is not None:
            self.counts[before.stage] -= 1
        self.counts[report.stage] += 1
        self.latest[report.order] = report

    @property
    def ended(self) -> int:
        return sum(self.counts[stage] for stage in ENDED)

    def at(self, *stages: Stage) -> list[Report]:
        return [report for report in self.latest.values() if report.stage in stages]

    def __str__(self) -> str:
        parts = [f"{self.counts[stage]} {stage}" for stage in Stage if stage is not Stage.SENDING]
        return f"{self.ended}/{self.total}  " + ", ".join(parts)
