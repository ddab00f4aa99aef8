"""Redis killed, frozen, full, read-only, and cut off from workers and API."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.checks.agreement import keys
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.faults.wires.redis_troubles import failing_disk, full_memory, kill_and_restart, replica_of_nobody
from tests.faults.wires.refusals import FULL_OR_AWAY, assert_unavailable
from tests.jobs import let_time_pass
from tests.stacks.fault_stack import LEASE_SECONDS, FaultStack

MANY_ATTEMPTS = 20
FROZEN_SECONDS = 6.0
MOST_ANSWER_SECONDS = 5.0  # responses of the API while Redis is frozen


def test_redis_killed_during_submissions_keeps_all_that_was_accepted_and_nothing_twice(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    lines = crowd.lines(50, milliseconds=8, max_attempts=MANY_ATTEMPTS)
    submitting = threading.Thread(target=lambda: [crowd.send(lines) for _ in range(8)], daemon=True)
    submitting.start()
    for moment in sorted(chance.sample(range(1, 7), 2)):
        stack.until(lambda moment=moment: len(crowd.batches) >= moment)  # type: ignore[misc]  # bound at once
        stack.let_pass(chance.uniform(0, 0.1))
        kill_and_restart(stack)
        let_time_pass(stack.connection, "validating")  # the minute until a half-read batch is given up
    submitting.join(120)
    assert len(crowd.accepted) == 400
    stack.start_workers(2)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == len(keys(stack.connection, "sq:job:*")) == 400


def test_redis_killed_during_work_loses_nothing(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(200, milliseconds=40, max_attempts=MANY_ATTEMPTS)
    for moment in sorted(chance.sample(range(1, 150), 2)):
        stack.until(lambda moment=moment: crowd.ended() >= moment)  # type: ignore[misc]  # bound at once
        stack.let_pass(chance.uniform(0, 0.1))
        kill_and_restart(stack)
    Verdict(crowd).assert_all_succeeded()
    assert [worker.starts for worker in stack.workers] == [1, 1]  # they came back by themselves
    assert not any("In Celery 5.1" in worker.log for worker in stack.workers)  # a warning at each loss


@pytest.mark.parametrize("fault", ["cut", "freeze"])
def test_a_wire_that_is_dead_for_longer_than_the_lease_loses_nothing(
    stack: FaultStack, crowd: Crowd, chance: random.Random, fault: str
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(80, milliseconds=60, max_attempts=MANY_ATTEMPTS)
    moment = chance.randrange(5, 40)
    stack.until(lambda: crowd.ended() >= moment)
    getattr(stack.worker_wire, fault)()
    stack.let_pass(LEASE_SECONDS * 2)
    stack.worker_wire.heal()
    Verdict(crowd).assert_all_succeeded()
    assert [worker.starts for worker in stack.workers] == [1, 1]


def test_connections_that_break_all_the_time_run_nothing_twice_in_effect(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(120, milliseconds=40, max_attempts=MANY_ATTEMPTS)
    for _ in range(8):
        stack.let_pass(chance.uniform(0.2, 0.8))
        stack.worker_wire.reset()
        stack.api_wire.reset()
    Verdict(crowd).assert_all_succeeded()


def test_a_slow_wire_is_only_slow(stack: FaultStack, crowd: Crowd) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    stack.worker_wire.delay_seconds = stack.api_wire.delay_seconds = 0.03
    crowd.send_good(20)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == 20


def test_while_redis_is_frozen_the_api_says_503_in_bounded_time(stack: FaultStack, crowd: Crowd) -> None:
    (first, *_) = crowd.send_good(4)
    line = ndjson(crowd.lines(1))
    stack.redis.send(signal.SIGSTOP)
    begin = time.monotonic()
    readers = [threading.Thread(target=assert_unavailable, args=(stack, "GET", f"/v1/jobs/{first}"))]
    readers += [threading.Thread(target=assert_unavailable, args=(stack, "POST", "/v1/batches", line))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert time.monotonic() - begin < MOST_ANSWER_SECONDS
    stack.let_pass(FROZEN_SECONDS - (time.monotonic() - begin))
    stack.redis.send(signal.SIGCONT)
    let_time_pass(stack.connection, "validating")  # for the batch whose client received 503
    stack.start_workers(1)
    crowd.send_good(4)
    Verdict(crowd).assert_all_succeeded()


def test_frozen_redis_during_work_loses_nothing(stack: FaultStack, crowd: Crowd) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(60, milliseconds=60, max_attempts=MANY_ATTEMPTS)
    stack.until(lambda: crowd.ended() >= 5)
    stack.redis.send(signal.SIGSTOP)
    stack.let_pass(FROZEN_SECONDS)
    stack.redis.send(signal.SIGCONT)
    Verdict(crowd).assert_all_succeeded()


# --- Redis answers and refuses to write ---------------------------------------------------------------


Refusal = Callable[[FaultStack], AbstractContextManager[None]]


@pytest.mark.parametrize("refusing", [full_memory, replica_of_nobody, failing_disk])
def test_while_redis_refuses_to_write_the_api_says_503_and_then_all_goes_on(
    stack: FaultStack, crowd: Crowd, refusing: Refusal
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(80, milliseconds=60, max_attempts=MANY_ATTEMPTS)
    line = ndjson(crowd.lines(1))
    stack.until(lambda: crowd.ended() >= 5)
    with refusing(stack):
        assert_unavailable(stack, "POST", "/v1/batches", line, FULL_OR_AWAY)
        stack.let_pass(LEASE_SECONDS * 1.5)
        assert stack.client.get(f"/v1/jobs/{crowd.accepted[0]}").status_code == 200
        assert all(worker.alive for worker in stack.workers)
    crowd.send_good(4)
    Verdict(crowd).assert_all_succeeded()
    assert [worker.starts for worker in stack.workers] == [1, 1]


def test_a_redis_that_has_forgotten_everything_says_so_and_takes_new_jobs(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(1)
    stack.until_workers_are_there()
    forgotten = crowd.send_good(40, milliseconds=60)
    stack.until(lambda: crowd.ended() >= 5)
    stack.connection.flushall()
    answer = stack.client.get(f"/v1/jobs/{forgotten[0]}")
    assert (answer.status_code, answer.json()["code"]) == (404, "job-not-found")
    crowd.accepted.clear()
    crowd.batches.clear()
    crowd.send_good(20)
    Verdict(crowd).assert_all_succeeded()
