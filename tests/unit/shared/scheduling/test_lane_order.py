"""The order of starts without a broker: queues are counters, and a message comes from the first
above zero.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scheduling.lane_order import MAX_PASSES, LaneOrder

LANES = ("high", "normal", "bulk")
STARTS = 80


class Worker:
    """A free slot and the queues before it."""

    def __init__(self, **waiting: int) -> None:
        self.waiting = Counter(waiting)
        self.order = LaneOrder(LANES)
        self.order.update(sorted(LANES))  # in another order than that of the lanes

    def take(self) -> str | None:
        """Return the lane of the next message; None if no message waits."""
        for lane in self.order.consume(len(LANES)):
            if self.waiting[lane]:
                self.waiting[lane] -= 1
                self.order.rotate(lane)
                return lane
        return None

    def takes(self, count: int) -> str:
        """Return the lanes of the next messages by their first letters; '-' where no message waits."""
        return "".join((self.take() or "-")[0] for _ in range(count))


@pytest.mark.parametrize(
    ("waiting", "starts"),
    [
        ({}, "---"),
        ({"bulk": 3}, "bbb-"),
        ({"normal": 2, "bulk": 2}, "nnbb-"),
        ({"high": 2, "normal": 2, "bulk": 2}, "hhnnbb-"),
        ({"high": 20, "bulk": 20}, "hhhhhhhb" "hhhhhhhb" "hhhhhhbbbbbb"),
        ({"high": 20, "normal": 20}, "hhhhhhhn" "hhhhhhhn" "hhhhhhnnnnnn"),
        ({"normal": 20, "bulk": 20}, "nnnnnnnb" "nnnnnnnb" "nnnnnnbbbbbb"),
        ({"high": 99, "normal": 9, "bulk": 9}, "hhhhhhhb" "nhhhhhhb" "hnhhhhhb" "hhnhhhhb" "hhhnhhhb"),
        ({"high": 5, "normal": 99, "bulk": 9}, "hhhhhnnb" "nnnnnnnb" "nnnnnnnb"),
    ],
)  # fmt: skip
def test_the_order_of_starts(waiting: dict[str, int], starts: str) -> None:
    assert Worker(**waiting).takes(len(starts)) == starts


@pytest.mark.parametrize("running", range(20))
@pytest.mark.parametrize("lane", ["normal", "high"])
def test_a_job_submitted_while_only_bulk_runs_is_the_very_next(running: int, lane: str) -> None:
    worker = Worker(bulk=99)
    worker.takes(running)
    worker.waiting[lane] += 1
    assert worker.take() == lane


def test_a_lane_that_had_nothing_at_its_turn_is_counted_anew() -> None:
    worker = Worker(high=99)
    worker.takes(MAX_PASSES)
    assert worker.order.consume(3) == ["bulk", "normal", "high"]
    worker.order.rotate("high")
    worker.waiting["bulk"] = 99
    assert worker.takes(8) == "hhhhhhhb"


def test_an_empty_lane_at_its_turn_takes_nothing_from_another() -> None:
    worker = Worker(high=99, normal=99)
    assert worker.takes(8) == "hhhhhhhn"


def test_a_message_from_below_neither_counts_nor_interrupts() -> None:
    worker = Worker(high=99, normal=99, bulk=99)
    assert worker.takes(9) == "hhhhhhhbn"


def test_nobody_is_passed_over_while_all_are_empty() -> None:
    worker = Worker(high=7)
    assert worker.takes(8) == "hhhhhhh-"
    worker.waiting.update(normal=1, bulk=1)
    assert worker.takes(2) == "nb"


def test_a_worker_of_some_lanes_keeps_their_order() -> None:
    order = LaneOrder(LANES)
    order.update(["bulk", "high"])
    assert order.consume(2) == ["high", "bulk"]
    order.rotate("high")
    order.update(["bulk"])
    assert order.consume(1) == ["bulk"]


def test_a_queue_that_is_no_lane_comes_last() -> None:
    order = LaneOrder(LANES)
    order.update(["celery", "bulk", "high"])
    assert order.consume(3) == ["high", "bulk", "celery"]
    assert order.consume(2) == ["high", "bulk"]


def test_a_value_that_was_not_offered_changes_nothing() -> None:
    order = LaneOrder(LANES)
    order.rotate("high")
    assert order.consume(3) == []


def test_each_channel_counts_for_itself() -> None:
    busy, idle = Worker(high=99, bulk=99), Worker(high=99, bulk=99)
    busy.takes(MAX_PASSES)
    assert (busy.take(), idle.take()) == ("bulk", "high")


@given(st.lists(st.fixed_dictionaries({lane: st.integers(0, 3) for lane in LANES}), max_size=STARTS))
def test_no_waiting_lane_is_ever_passed_over_more_than_seven_times(
    arrivals: list[dict[str, int]],
) -> None:
    worker, passes = Worker(), Counter[str]()
    for arrived in arrivals:
        worker.waiting.update(arrived)
        waiting = {lane for lane in LANES if worker.waiting[lane]}
        taken = worker.take()
        assert (taken is None) == (not waiting)
        for lane in LANES:
            if taken is None or lane == taken or lane not in waiting:
                passes[lane] = 0
            elif LANES.index(lane) > LANES.index(taken):
                passes[lane] += 1
        assert max(passes.values()) <= MAX_PASSES
