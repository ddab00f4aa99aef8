"""Jobs that kill their worker's process, and errors that must not cost a slot."""

from __future__ import annotations

import pytest

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.poison import MOST_DEATHS, assert_poison_fails_alone
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.stacks.fault_stack import FaultStack


def test_a_job_that_kills_each_worker_fails_alone_and_its_neighbours_succeed(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    assert_poison_fails_alone(crowd, 40)
    assert sum(worker.starts - 1 for worker in stack.workers) <= MOST_DEATHS


@pytest.mark.parametrize("action", [ModelAction.MEMORY_ERROR, ModelAction.EXIT])
def test_an_error_that_would_cost_a_slot_costs_its_job_alone(
    stack: FaultStack, crowd: Crowd, action: ModelAction
) -> None:
    (worker,) = stack.start_workers(1)
    stack.until_workers_are_there()
    hostile = crowd.send([crowd.line(Order(action).picture(), max_attempts=2)] * 8)  # twice its slots
    crowd.send_good(20)
    verdict = Verdict(crowd)
    assert {verdict.jobs[job_id]["status"] for job_id in hostile} == {JobStatus.FAILED}
    assert len(verdict.with_status(JobStatus.SUCCEEDED)) == 20
    assert worker.starts == 1


def test_a_device_without_room_is_tried_again_and_then_said(stack: FaultStack, crowd: Crowd) -> None:
    stack.start_workers(1)
    crowd.send([crowd.line(Order(ModelAction.NO_ROOM).picture(), max_attempts=2)])
    crowd.send_good(4)
    (failed,) = Verdict(crowd).with_status(JobStatus.FAILED)
    assert (failed["error"]["code"], failed["attempt"]) == ("out-of-memory", 2)
