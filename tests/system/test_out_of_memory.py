"""A job that wants more memory than there is: the kernel chooses the process to kill."""

from __future__ import annotations

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.stacks.fault_stack import FaultStack
from tests.system.hosts.memory_groups import memory_group

MEMORY_BYTES = 1 << 30
ATTEMPTS = 2
SETTLE_SECONDS = 180


def test_a_job_that_the_kernel_kills_its_worker_for_costs_no_other_job_an_attempt(
    stack: FaultStack, crowd: Crowd
) -> None:
    with memory_group(MEMORY_BYTES) as group:
        stack.start_workers(1, wrapper=group.inside)
        stack.until_workers_are_there()
        greedy = crowd.line(Order(ModelAction.GREED).picture(), max_attempts=ATTEMPTS)
        crowd.send([*crowd.lines(10), greedy, *crowd.lines(10)])
        verdict = Verdict(crowd, SETTLE_SECONDS)
        others = [job for job_id, job in verdict.jobs.items() if job_id != crowd.accepted[10]]
        lost = verdict.jobs[crowd.accepted[10]]
        assert (lost["status"], lost["error"]["code"]) == ("failed", "worker-lost")
        assert {(job["status"], job["attempt"]) for job in others} == {("succeeded", 1)}
        deaths = stack.workers[0].starts - 1
        assert 1 <= deaths <= ATTEMPTS + 1
        assert group.killed() >= deaths  # and decoders before: they are the kernel's first choice
        stack.workers.pop().kill()
