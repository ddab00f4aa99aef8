from __future__ import annotations

import structlog

from shared.errors import QueueUnavailable
from tests.servers import wait_until
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
