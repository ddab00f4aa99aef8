"""S3 fails, hangs, breaks off in the middle, or is gone, between the workers and their pictures."""

from __future__ import annotations

import random
import re
import signal
from typing import Any

import pytest

from shared.policy.object_keys import results_key
from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.orders import CLOCK_VARIABLE, SIGNING_CLOCK_VARIABLE
from tests.faults.wires.http_proxy import S3Fault, s3_error
from tests.stacks.fault_stack import FaultStack
from tests.stacks.key_issuer import issuing
from tests.stacks.service import OWNER

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


def test_a_batch_says_why_its_results_cannot_be_written_and_ends_soon_after_s3_is_back(
    stack: FaultStack, crowd: Crowd
) -> None:
    """Meanwhile it can be canceled and deleted."""
    for _ in range(3):
        crowd.send_good(2)
    kept, canceled, deleted = (f"/v1/batches/{batch_id}" for batch_id in crowd.batches)
    for path in (kept, canceled, deleted):
        assert stack.client.post(f"{path}/cancel").json()["status"] == "finalizing"
    stack.s3_proxy.inject(S3Fault.REFUSE)
    stack.start_workers(1)
    for path in (kept, canceled, deleted):
        stack.until(lambda path=path: stack.client.get(path).json()["error"])
    error = stack.client.get(kept).json()["error"]
    assert error == {
        "code": "storage-unavailable",
        "detail": "The storage does not respond (ConnectionClosedError)",
    }
    answer = stack.client.post(f"{canceled}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["error"] is None
    assert stack.client.delete(deleted).status_code == 204
    assert stack.client.get(kept).json()["status"] == "finalizing"
    stack.s3_proxy.heal()
    stack.until(lambda: stack.client.get(kept).json()["status"] == "canceled")
    batch = stack.client.get(kept).json()
    assert batch["error"] is None
    assert set(stack.storage.keys(f"results/{OWNER}/")) == {
        results_key(OWNER, batch["id"], name) for name in ("output", "errors")
    }


@pytest.mark.parametrize(("seconds", "way"), [(1200, "ahead"), (-1200, "behind")])
def test_a_job_that_a_worker_with_a_wrong_clock_gave_up_can_be_tried_again(
    stack: FaultStack, crowd: Crowd, seconds: int, way: str
) -> None:
    (wrong,) = stack.start_workers(1, **{CLOCK_VARIABLE: str(seconds), SIGNING_CLOCK_VARIABLE: str(seconds)})
    (job_id,) = crowd.send_good(1, max_attempts=2)
    assert_fails(stack, job_id, "clock-skewed", rf"clock differs by 1,\d\d\d s .*\(it is {way}\)")
    stack.workers.remove(wrong)
    wrong.kill()
    stack.start_workers(1)
    assert_can_be_tried_again(stack, job_id)


def test_a_job_that_s3_lets_no_worker_do_can_be_tried_again_when_the_rights_are_granted(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.s3_proxy.own_answer = lambda _: s3_error(403, "AccessDenied")
    stack.start_workers(1)
    (job_id,) = crowd.send_good(1, max_attempts=2)
    assert_fails(stack, job_id, "storage-forbidden", "does not let this service use s3://stylequeue/uploads/")
    stack.s3_proxy.own_answer = lambda _: None
    assert_can_be_tried_again(stack, job_id)


def assert_fails(stack: FaultStack, job_id: str, code: str, detail: str) -> None:
    """Assert that the job fails at its second attempt, with a retryable error."""
    stack.until(lambda: job(stack, job_id)["status"] == JobStatus.FAILED)
    error = job(stack, job_id)["error"]
    assert (error["code"], error["retryable"], error["attempts"]) == (code, True, 2)
    assert re.search(detail, error["detail"]), error["detail"]


def assert_can_be_tried_again(stack: FaultStack, job_id: str) -> None:
    assert stack.client.post(f"/v1/jobs/{job_id}/retry").status_code == 202
    stack.until(lambda: job(stack, job_id)["status"] == JobStatus.SUCCEEDED)


def job(stack: FaultStack, job_id: str) -> dict[str, Any]:
    return dict(stack.client.get(f"/v1/jobs/{job_id}").json())


def test_a_worker_outlives_its_temporary_keys(stack: FaultStack, crowd: Crowd) -> None:
    keys = stack.data.credentials()
    own = {"STYLEQUEUE_S3_ACCESS_KEY": "", "STYLEQUEUE_S3_SECRET_KEY": ""}
    with issuing([(keys.s3_access_key, keys.s3_secret_key)], seconds=5) as issuer:
        stack.s3_proxy.own_answer = issuer.refusal
        stack.start_workers(1, **own, **issuer.variables)
        stack.until_workers_are_there()

        def three_tokens_were_used() -> bool:
            crowd.send_good(2)
            stack.until(lambda: crowd.ended() == len(crowd.accepted))
            return len(issuer.used) > 2

        stack.until(three_tokens_were_used)
        Verdict(crowd).assert_all_succeeded()
    assert issuer.refused == 0
    assert [worker.starts for worker in stack.workers] == [1]
