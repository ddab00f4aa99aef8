"""A job that kills whatever runs it, among good ones."""

from __future__ import annotations

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.orders import ModelAction, Order

MAX_ATTEMPTS = 3
MOST_DEATHS = 1 + MAX_ATTEMPTS  # once among others, and then alone


def assert_poison_fails_alone(crowd: Crowd, neighbours: int) -> None:
    """Send the job as the sixth of a batch, and assert that it fails and its neighbors succeed."""
    lines = crowd.lines(neighbours, milliseconds=60)
    lines.insert(5, crowd.line(Order(ModelAction.KILL).picture(), max_attempts=MAX_ATTEMPTS))
    ids = crowd.send(lines)
    verdict = Verdict(crowd)
    (poison,) = verdict.with_status(JobStatus.FAILED)
    assert poison["id"] == ids[5]
    assert poison["error"]["code"] == "worker-lost"
    assert len(verdict.with_status(JobStatus.SUCCEEDED)) == neighbours
