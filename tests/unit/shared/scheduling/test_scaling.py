"""The rule of scaling: its result for a demand, and where a steady stream settles."""

from __future__ import annotations

import pytest

from shared.scheduling.scaling import Demand, Target, demand_of, desired_workers, fleets_of
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.queue_records import LaneState

MINUTE = Target(seconds=60, min_workers=0, max_workers=100)


def wanted(jobs: int, seconds_per_job: float | None, target: Target = MINUTE, chores: int = 0) -> int:
    return desired_workers(Demand(jobs, 0, seconds_per_job, chores), target)


@pytest.mark.parametrize(
    ("jobs", "seconds_per_job", "workers"),
    [
        (0, 1.0, 0),
        (1, 0.001, 1),
        (60, 1.0, 1),
        (61, 1.0, 2),
        (600, 1.0, 10),
        (3, 0.2, 1),
        (900, 0.2, 3),  # 180.00000000000003 / 60 in floats
        (1_000_000, 1.0, 100),
        (2, 3600.0, 2),  # never more workers than jobs
    ],
)
def test_all_of_it_is_done_in_the_target_time(jobs: int, seconds_per_job: float, workers: int) -> None:
    assert wanted(jobs, seconds_per_job) == workers


def test_running_jobs_count_like_waiting_ones() -> None:
    assert desired_workers(Demand(0, 120, 1.0), MINUTE) == desired_workers(Demand(120, 0, 1.0), MINUTE) == 2


def test_while_no_rate_is_known_one_worker_finds_out() -> None:
    assert [wanted(jobs, None) for jobs in (0, 1, 1_000_000)] == [0, 1, 1]


def test_chores_keep_one_worker() -> None:
    assert [wanted(0, 1.0, chores=1), wanted(0, None, chores=3), wanted(600, 1.0, chores=1)] == [1, 1, 10]


def test_limits_hold_and_the_maximum_goes_before_the_minimum() -> None:
    assert wanted(0, 1.0, Target(60, 2, 5)) == 2
    assert wanted(0, None, Target(60, 2, 5)) == 2
    assert wanted(10_000, 1.0, Target(60, 2, 5)) == 5
    assert wanted(0, 1.0, Target(60, 7, 5)) == 5


@pytest.mark.parametrize("target_seconds", [10, 60, 600])
def test_a_steady_stream_rests_where_jobs_stay_the_target_time(target_seconds: float) -> None:
    arrivals_per_second, seconds_per_job, jobs = 20.0, 0.5, 0.0
    for _ in range(20 * int(target_seconds)):  # second by second, with workers that start at once
        workers = wanted(round(jobs), seconds_per_job, Target(target_seconds, 0, 1000))
        jobs = max(0.0, jobs + arrivals_per_second - workers / seconds_per_job)
    assert jobs == pytest.approx(arrivals_per_second * target_seconds, rel=0.1)
    assert workers == pytest.approx(arrivals_per_second * seconds_per_job, abs=1)


def test_paused_lanes_call_for_no_worker_but_what_runs_there_does() -> None:
    states = [
        LaneState(lane=lane, waiting=5, scheduled=2, dispatched=1, running=3, canceling=1, paused=paused)
        for lane, paused in zip(FAST_LANES, (False, True, False), strict=True)
    ]
    assert demand_of(states, seconds_per_job=1.0) == Demand(16, 12, 1.0)
    assert demand_of(states, [Lane.NORMAL], seconds_per_job=None) == Demand(0, 4, None)
    assert demand_of(states, [Lane.HIGH], seconds_per_job=2.0, chores=1).load == 24.0


@pytest.mark.parametrize(
    ("served", "fleets"),
    [
        ([], [("high", "normal", "bulk"), ("optimize",)]),
        ([FAST_LANES, (Lane.OPTIMIZE,)], [("high", "normal", "bulk"), ("optimize",)]),
        ([tuple(Lane)], [("high", "normal", "bulk", "optimize")]),
        ([(Lane.HIGH,)], [("high",), ("normal", "bulk"), ("optimize",)]),
        (
            [(Lane.HIGH,), (Lane.BULK,), (Lane.NORMAL, Lane.BULK)],
            [("high",), ("normal", "bulk"), ("optimize",)],
        ),
    ],
)
def test_lanes_that_the_same_workers_serve_are_one_fleet(
    served: list[tuple[Lane, ...]], fleets: list[tuple[str, ...]]
) -> None:
    assert fleets_of(served) == fleets
