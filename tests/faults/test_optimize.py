"""Jobs that take minutes, with the real VGG network.

They hold nobody up, end within seconds when they are canceled, and run again when their worker is killed.
"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from samples import content_paths
from shared.policy.object_keys import preview_key
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.stacks.fault_stack import FaultStack
from tests.stacks.service import OWNER

FIRST_STEP_SECONDS = 120  # TensorFlow's import and the first trace, on a busy machine
LETS_GO_SECONDS = 5  # after a cancellation
STEPS = 200  # enough to kill a worker amid them
MINIMIZER = {  # while TensorFlow traces the first step, a busy machine may renew no lease for seconds
    "STYLEQUEUE_WORKER_LANES": "optimize",
    "STYLEQUEUE_LEASE_SECONDS": "15",
}


@pytest.fixture
def stack(stack: FaultStack) -> FaultStack:
    """A stack with one worker of each kind."""
    stack.start_workers(1)
    stack.start_workers(1, **MINIMIZER)
    stack.until_workers_are_there()
    return stack


def optimize(crowd: Crowd, iterations: int, max_side: int = 96) -> str:
    """Return a job whose picture gives the minimization something to do."""
    photo = content_paths()[0].read_bytes()
    params = {"method": "optimize", "iterations": iterations, "init": "noise", "max_side": max_side}
    (job_id,) = crowd.send([crowd.line(photo, params=params)])
    return job_id


def look(stack: FaultStack, job_id: str) -> dict[str, Any]:
    return dict(stack.client.get(f"/v1/jobs/{job_id}").json())


def until_step(stack: FaultStack, job_id: str, iteration: int) -> None:
    def reached() -> bool:
        progress = look(stack, job_id)["progress"] or {}
        return (progress.get("iteration") or 0) >= iteration

    stack.until(reached, FIRST_STEP_SECONDS, f"step {iteration} of the minimization")


def preview(stack: FaultStack, job_id: str) -> httpx.Response:
    return stack.client.get(f"/v1/jobs/{job_id}/preview", follow_redirects=True)


def test_fast_jobs_end_while_a_long_one_runs_and_canceling_it_takes_effect_at_once(
    stack: FaultStack, crowd: Crowd
) -> None:
    long_one = optimize(crowd, iterations=2000, max_side=256)
    assert look(stack, long_one)["lane"] == Lane.OPTIMIZE
    assert preview(stack, long_one).status_code == 409
    until_step(stack, long_one, 2)
    fast = crowd.send_good(20)
    stack.until(lambda: crowd.ended() == 20)
    assert {look(stack, job_id)["status"] for job_id in fast} == {JobStatus.SUCCEEDED}
    running = look(stack, long_one)
    assert running["status"] == JobStatus.RUNNING
    assert running["progress"]["losses"]["total"] > 0
    stack.until(lambda: look(stack, long_one)["progress"]["preview"])
    shown = preview(stack, long_one)
    assert (shown.status_code, shown.content[:3]) == (200, b"\xff\xd8\xff")
    canceled_at = time.monotonic()
    assert stack.client.post(f"/v1/jobs/{long_one}/cancel").status_code == 202
    stack.until(lambda: look(stack, long_one)["status"] == JobStatus.CANCELED)
    print(f"canceled in {time.monotonic() - canceled_at:.1f} s, aim {LETS_GO_SECONDS}")  # noqa: T201
    assert look(stack, long_one)["progress"] is None
    assert preview(stack, long_one).status_code == 409
    Verdict(crowd)
    stack.until(lambda: not stack.storage.exists(preview_key(OWNER, long_one)), what="its preview's removal")


def test_a_killed_minimization_runs_again_and_ends_once(stack: FaultStack, crowd: Crowd) -> None:
    job_id = optimize(crowd, iterations=STEPS)
    until_step(stack, job_id, 2)
    stack.workers[1].die()
    stack.until(lambda: look(stack, job_id)["status"] == JobStatus.SUCCEEDED, FIRST_STEP_SECONDS)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    job = verdict.jobs[job_id]
    assert job["attempt"] == 2
    assert job["result"]["optimization"]["iterations"] == STEPS
    assert job["result"]["losses"]["style"] < job["result"]["losses"]["content_image"]["style"]
