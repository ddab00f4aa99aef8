"""Messages delivered again, all of them, and messages without meaning."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.orders import Order
from tests.faults.wires.redelivery import BULK, push_copies
from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until

LARGE_BYTES = 10_000_000


def test_every_message_delivered_again_runs_nothing_twice(stack: FaultStack, crowd: Crowd) -> None:
    crowd.send_good(100, milliseconds=40)
    wait_until(lambda: stack.connection.llen(BULK) > 0)
    assert push_copies(stack) > 10
    stack.start_workers(2)
    stack.until_workers_are_there()
    for moment in (20, 50, 80):
        stack.until(lambda moment=moment: crowd.ended() >= moment)  # type: ignore[misc]  # bound at once
        assert push_copies(stack) > 0
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == 100


def test_every_message_lost_is_sent_again(stack: FaultStack, crowd: Crowd) -> None:
    crowd.send_good(40)
    wait_until(lambda: stack.connection.llen(BULK) > 0)
    stack.connection.delete(BULK)
    stack.start_workers(1)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == 40


def test_some_messages_lost_among_others_are_sent_again(stack: FaultStack, crowd: Crowd) -> None:
    crowd.send_good(60)
    wait_until(lambda: stack.connection.llen(BULK) >= 20)
    for text in cast("list[str]", stack.connection.lrange(BULK, 0, -1))[::3]:
        stack.connection.lrem(BULK, 1, text)
    stack.start_workers(1)
    Verdict(crowd).assert_all_succeeded()


def test_messages_that_mean_nothing_neither_stop_a_worker_nor_stay(stack: FaultStack, crowd: Crowd) -> None:
    crowd.send([crowd.line(Order().picture())])
    wait_until(lambda: stack.connection.llen(BULK) == 1)
    (text,) = cast("list[str]", stack.connection.lrange(BULK, 0, -1))
    good: dict[str, Any] = json.loads(text)
    stack.connection.rpush(BULK, *(json.dumps(bad) for bad in bad_messages(good)))
    stack.connection.rpush(BULK, json.dumps(good))
    (worker,) = stack.start_workers(1)
    crowd.send_good(20)
    Verdict(crowd).assert_all_succeeded()
    assert worker.starts == 1


def bad_messages(good: dict[str, Any]) -> list[dict[str, Any]]:
    """Return messages that an older, a newer or a hostile program might send."""

    def with_body(value: Any) -> dict[str, Any]:
        return {**good, "body": base64.b64encode(json.dumps(value).encode()).decode()}

    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return [
        {**good, "headers": {**good["headers"], "task": "stylequeue.stylize.v99"}},
        {
            **good,
            "body": base64.b64encode(b"\x80\x04K\x01.").decode(),
            "content-type": "application/x-python",
        },
        {**good, "body": base64.b64encode(b"no JSON").decode()},
        with_body([[], {}, embedded]),
        with_body([["job_1", "job_2", "job_3"], {}, embedded]),
        with_body([["job_that_never_was"], {}, embedded]),
        with_body([[17], {}, embedded]),
        with_body([["x" * LARGE_BYTES], {}, embedded]),
    ]
