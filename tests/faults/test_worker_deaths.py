"""Workers are killed, frozen, stopped and started again, one at a time and all at once."""

from __future__ import annotations

import random
import signal

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.orders import CLOCK_VARIABLE, Order
from tests.faults.wires.http_proxy import S3Fault
from tests.stacks.fault_stack import LEASE_SECONDS, FaultStack
from tests.stacks.servers import wait_until

MANY_ATTEMPTS = 20
STOP_SECONDS = 30
PAST_THE_LEASE = LEASE_SECONDS * 1.5
HOUR = 3600


def test_twenty_kills_during_two_hundred_jobs_lose_none(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(3)
    stack.until_workers_are_there()
    crowd.send_good(200, milliseconds=60, max_attempts=MANY_ATTEMPTS)
    for moment in sorted(chance.sample(range(1, 180), 20)):
        stack.until(lambda moment=moment: crowd.ended() >= moment)  # type: ignore[misc]  # bound at once
        stack.let_pass(chance.uniform(0, 0.1))
        stack.until(stack.ready_workers)
        chance.choice(stack.ready_workers()).die()
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert sum(worker.starts for worker in stack.workers) == 3 + 20
    assert verdict.starts() <= 200 + 20 * 4  # each kill costs its worker's four slots at the most
    assert (
        sum(job["attempt"] - 1 for job in verdict.jobs.values()) <= 20
    )  # and only a job that was alone loses its attempt


def test_all_workers_killed_at_once_leave_nothing_behind(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(60, milliseconds=60)
    moment = chance.randrange(1, 40)
    stack.until(lambda: crowd.ended() >= moment)
    for worker in stack.workers:
        worker.send(signal.SIGKILL)
    Verdict(crowd).assert_all_succeeded()


def test_the_late_result_of_a_frozen_worker_is_refused(stack: FaultStack, crowd: Crowd) -> None:
    (frozen,) = stack.start_workers(1)
    stack.until_workers_are_there()
    stack.s3_proxy.inject(S3Fault.HOLD, methods=("PUT",))
    crowd.send_good(4)
    wait_until(lambda: stack.s3_proxy.held == 4, what="four pictures on their way to S3")
    frozen.send(signal.SIGSTOP)
    stack.s3_proxy.heal()
    stack.start_workers(1)
    stack.until(lambda: crowd.ended() == 4)  # in the other worker
    frozen.send(signal.SIGCONT)
    stack.until(lambda: frozen.log.count("lost") >= 4, what="four results that came too late")
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert all(verdict.history.starts(job_id) == 2 for job_id in crowd.accepted)


def test_a_message_that_died_in_the_socket_of_an_idle_worker_is_sent_again(
    stack: FaultStack, crowd: Crowd
) -> None:
    (frozen,) = stack.start_workers(1)
    stack.until_workers_are_there()
    frozen.send(signal.SIGSTOP)
    crowd.send_good(3)
    stack.let_pass(PAST_THE_LEASE)
    stack.workers.remove(frozen)
    frozen.kill()
    stack.start_workers(1)
    Verdict(crowd).assert_all_succeeded()


def test_workers_may_come_and_go_to_none_and_back(stack: FaultStack, crowd: Crowd) -> None:
    crowd.send_good(60, milliseconds=60)
    stack.start_workers(2)
    stack.until(lambda: crowd.ended() >= 10)
    stack.until_workers_are_there()
    while stack.workers:
        assert stack.workers.pop().stop(STOP_SECONDS) == 0
    crowd.send_good(20)
    stack.start_workers(1)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert {job["attempt"] for job in verdict.jobs.values()} == {1}


def test_workers_whose_clocks_are_wrong_by_an_hour_take_nothing_from_each_other(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(1, **{CLOCK_VARIABLE: str(HOUR)})
    stack.start_workers(1, **{CLOCK_VARIABLE: str(-HOUR)})
    stack.start_workers(1)
    crowd.send_good(60, milliseconds=60)
    crowd.send([crowd.line(Order(milliseconds=1000).picture())] * 6)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == len(crowd.accepted)
