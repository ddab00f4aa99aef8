"""Cancellation at every moment of a job's life, also across a restart of Redis."""

from __future__ import annotations

import random

from shared.policy.object_keys import result_key
from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.wires.redis_troubles import kill_and_restart
from tests.stacks.fault_stack import FaultStack
from tests.stacks.service import OWNER

ENDS = {JobStatus.CANCELED, JobStatus.SUCCEEDED}


def test_a_cancel_at_any_moment_leads_to_one_end_and_no_picture_of_what_was_canceled(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    ids = crowd.send_good(100, milliseconds=40)
    accepted = set()
    for job_id in chance.sample(ids[:60], 60):  # about as fast as the workers, so many races are close
        stack.let_pass(chance.uniform(0, 0.06))
        answer = stack.client.post(f"/v1/jobs/{job_id}/cancel")
        assert answer.status_code in (200, 202, 409), answer.text
        accepted |= {job_id} if answer.is_success else set()
    verdict = Verdict(crowd)
    assert {job_id for job_id, job in verdict.jobs.items() if job["status"] == JobStatus.CANCELED} == accepted
    assert {job["status"] for job in verdict.jobs.values()} == ENDS
    for job_id in accepted:
        assert not stack.storage.exists(result_key(OWNER, job_id, "jpg")), job_id


def test_a_cancellation_survives_the_death_of_redis_and_of_the_worker(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(1)
    stack.until_workers_are_there()
    crowd.send_good(300, milliseconds=100)
    stack.until(lambda: crowd.ended() >= 5)
    answer = stack.client.post(f"/v1/batches/{crowd.batches[0]}/cancel")
    assert answer.is_success, answer.text
    stack.workers[0].die()
    kill_and_restart(stack)
    verdict = Verdict(crowd)
    assert {job["status"] for job in verdict.jobs.values()} == ENDS
    assert len(verdict.with_status(JobStatus.CANCELED)) > 200
