from __future__ import annotations

import structlog

from shared.errors import QueueUnavailable
from tests.stacks.servers import wait_until
from worker.upkeep.periodic import Periodic


def test_a_step_that_fails_is_tried_again() -> None:
    calls: list[int] = []

    def step() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise QueueUnavailable("Redis does not answer")
        if len(calls) == 2:
            raise ZeroDivisionError

    periodic = Periodic("test", 0.01, step)
    periodic.start()
    wait_until(lambda: len(calls) > 3, 5, "the fourth call")
    periodic.stop()
    calls_at_stop = len(calls)
    assert calls == list(range(calls_at_stop))


def test_the_first_step_starts_at_once() -> None:
    calls: list[int] = []
    periodic = Periodic("test", 3600, lambda: calls.append(1))
    periodic.start()
    wait_until(lambda: calls, 5, "the first call")
    periodic.stop()
    assert calls == [1]


def test_an_outage_is_two_lines_of_the_log() -> None:
    calls: list[int] = []

    def step() -> None:
        calls.append(1)
        if len(calls) <= 3:
            raise QueueUnavailable("Redis does not answer")

    periodic = Periodic("test", 0.01, step)
    with structlog.testing.capture_logs() as lines:
        periodic.start()
        wait_until(lambda: len(calls) > 5, 5, "steps after the recovery")
        periodic.stop()
    assert [(line["event"], line["code"]) for line in lines] == [
        ("periodic step failed", QueueUnavailable.code),
        ("periodic step recovered", QueueUnavailable.code),
    ]


def test_a_step_that_is_not_needed_sleeps_until_it_is_woken_and_can_be_stopped_asleep() -> None:
    calls: list[int] = []
    asked: list[int] = []

    def needed() -> bool:
        asked.append(len(calls))
        return len(calls) == 2

    periodic = Periodic("test", 0.01, lambda: calls.append(1), needed)
    periodic.start()
    wait_until(lambda: asked == [1], 5, "the first question")
    periodic.wake()
    wait_until(lambda: asked == [1, 2, 3], 5, "a step after the call, and one that is needed")
    periodic.stop()
    assert len(calls) == 3
