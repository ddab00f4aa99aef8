"""S3 that fails, hangs, breaks off in the middle, and is gone, between the workers and their pictures."""

from __future__ import annotations

import random
import signal

import pytest

from shared.records import JobStatus
from tests.faults.checker import Verdict
from tests.faults.crowd import Crowd
from tests.faults.http_proxy import S3Fault
from tests.faults.stack import FaultStack

PATIENT = 20  # attempts
FAULT_SECONDS = 2.5


@pytest.mark.parametrize(
    "fault", [S3Fault.ERROR, S3Fault.SLOW_DOWN, S3Fault.HANG, S3Fault.HALF, S3Fault.REFUSE]
)
def test_a_fault_of_s3_delays_jobs_and_nothing_half_written_is_served(
    stack: FaultStack, crowd: Crowd, chance: random.Random, fault: S3Fault
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(80, milliseconds=40, max_attempts=PATIENT)
    moment = chance.randrange(1, 40)
    stack.until(lambda: crowd.ended() >= moment)
    stack.s3_proxy.inject(fault)
    stack.let_pass(FAULT_SECONDS)
    stack.s3_proxy.heal()
    assert stack.s3_proxy.faults > 0
    Verdict(crowd).assert_all_succeeded()
    assert [worker.starts for worker in stack.workers] == [1, 1]


def test_one_failure_in_five_costs_no_job_its_picture(stack: FaultStack, crowd: Crowd) -> None:
    stack.s3_proxy.inject(S3Fault.ERROR, share=0.2)
    stack.start_workers(2)
    crowd.send_good(100, max_attempts=PATIENT)
    Verdict(crowd).assert_all_succeeded()
    assert stack.s3_proxy.faults > 10


def test_jobs_wait_for_a_storage_that_was_gone(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(80, milliseconds=40, max_attempts=PATIENT)
    moment = chance.randrange(1, 40)
    stack.until(lambda: crowd.ended() >= moment)
    stack.s3.send(signal.SIGKILL)
    stack.let_pass(FAULT_SECONDS)
    stack.s3.start_again()
    stack.until_s3_answers()
    Verdict(crowd).assert_all_succeeded()


def test_a_storage_that_stays_away_fails_jobs_when_their_attempts_are_used_up(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.s3_proxy.inject(S3Fault.REFUSE)
    stack.start_workers(1)
    crowd.send_good(8, max_attempts=2)
    stack.until(lambda: crowd.ended() == 8)
    stack.s3_proxy.heal()  # so that the batch's own objects can be written
    verdict = Verdict(crowd)
    failed = verdict.with_status(JobStatus.FAILED)
    assert len(failed) == 8
    for job in failed:
        assert (job["error"]["code"], job["error"]["retryable"]) == ("storage-unavailable", True)
        assert job["attempt"] == 2
