"""Forecasts of a waiting job's end, against exact quantiles of the Gamma distribution."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import UTC, datetime

import pytest

from shared.scheduling.forecast import Forecast, eta, total_rate
from shared.scheduling.lane_order import MAX_PASSES
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.record_version import BASE_VERSION
from shared.wire.records import JobStatus, WorkerInfo

SLOW = 0.001  # jobs per second: so slow that rounding to a tenth of a second does not show
EXACT = {  # shape: (median, 90 % quantile), half of chi-square's with twice as many degrees of freedom
    1: (0.6931, 2.3026),
    2: (1.6783, 3.8897),
    5: (4.6709, 7.9936),
    10: (9.6687, 14.2060),
    20: (19.6677, 25.9025),
    50: (49.6669, 59.2490),
    100: (99.6667, 113.0105),
}


def worker(rate: float | None, *lanes: Lane) -> WorkerInfo:
    now = datetime.now(UTC)
    return WorkerInfo(
        id="w",
        host="h",
        pid=1,
        device="cpu",
        model="embedded",
        lanes=lanes or tuple(Lane),
        slots=4,
        busy=0,
        rate=rate,
        model_loads=1,
        started_at=now,
        last_seen_at=now,
    )


def forecast(
    *workers: WorkerInfo,
    queued: Mapping[Lane, int] | None = None,
    running: Mapping[Lane, int] | None = None,
    paused: Set[Lane] = frozenset(),
) -> Forecast:
    load = {
        lane: {JobStatus.QUEUED: (queued or {}).get(lane, 0), JobStatus.RUNNING: (running or {}).get(lane, 0)}
        for lane in Lane
    }
    return Forecast(workers, load, seen_seconds=15, paused=paused)


def ends(forecast: Forecast, lane: Lane, position: int) -> int:
    """Return how many ends the forecast counts on, read off its median."""
    view = forecast.of(lane, position)
    assert view.eta_seconds is not None
    medians = [eta(number, SLOW).p50 for number in range(1, 200)]
    return medians.index(view.eta_seconds.p50) + 1


@pytest.mark.parametrize("shape", EXACT)
def test_the_quantiles_are_those_of_the_gamma_distribution(shape: int) -> None:
    median, ninth_decile = EXACT[shape]
    found = eta(shape, SLOW)
    assert found.p50 * SLOW == pytest.approx(median, rel=0.03 if shape == 1 else 0.01)
    assert found.p90 * SLOW == pytest.approx(ninth_decile, rel=0.01)


def test_twice_the_rate_is_half_the_time() -> None:
    one, two = eta(100, 0.5), eta(100, 1)
    assert (one.p50, one.p90) == pytest.approx((2 * two.p50, 2 * two.p90), abs=0.2)


def test_a_worker_that_has_not_ended_a_job_counts_as_the_mean_of_the_others() -> None:
    assert total_rate([worker(2.0), worker(4.0), worker(None)]) == 9
    assert total_rate([worker(None)]) is None
    assert total_rate([]) is None


def test_without_a_worker_for_the_lane_a_job_is_not_runnable_and_told_why() -> None:
    for view in (forecast().of(Lane.BULK, 3), forecast(worker(1.0, Lane.HIGH)).of(Lane.BULK, 3)):
        assert (view.position, view.eta_seconds, view.runnable) == (3, None, False)
        assert "'bulk'" in (view.reason or "")
        assert "15 s" in (view.reason or "")


def test_a_job_of_a_paused_lane_is_not_runnable_and_told_why_whoever_serves_it() -> None:
    for workers in ([worker(1.0)], []):
        view = forecast(*workers, paused={Lane.BULK}).of(Lane.BULK, 3)
        assert (view.position, view.eta_seconds, view.runnable) == (3, None, False)
        assert "'bulk' is paused" in (view.reason or "")


def test_nobody_waits_for_jobs_of_a_paused_lane() -> None:
    above = {Lane.HIGH: 5, Lane.NORMAL: 2}
    assert ends(forecast(worker(SLOW), queued=above, paused={Lane.HIGH}), Lane.BULK, 1) == 3


def test_without_a_known_rate_or_a_place_there_is_no_time() -> None:
    for view in (forecast(worker(None)).of(Lane.HIGH, 1), forecast(worker(1.0)).of(Lane.HIGH, None)):
        assert (view.eta_seconds, view.runnable, view.reason) == (None, True, None)


def test_only_workers_of_the_lane_count() -> None:
    both = forecast(worker(1.0), worker(9.0, Lane.HIGH))
    assert both.of(Lane.BULK, 50).eta_seconds == eta(50, 1.0)
    assert both.of(Lane.HIGH, 50).eta_seconds == eta(50, 10.0)


def test_higher_lanes_come_first_but_only_so_many_of_them_for_each_of_its_own() -> None:
    few = forecast(worker(SLOW), queued={Lane.HIGH: 2, Lane.NORMAL: 3, Lane.BULK: 9})
    assert [ends(few, lane, 1) for lane in FAST_LANES] == [1, 3, 6]
    many = forecast(worker(SLOW), queued={Lane.HIGH: 1000, Lane.NORMAL: 1000})
    assert ends(many, Lane.HIGH, 1) == 1
    assert ends(many, Lane.BULK, 1) == 1 + MAX_PASSES
    assert ends(many, Lane.BULK, 10) == 10 * (1 + MAX_PASSES)


def test_a_lane_with_workers_of_its_own_neither_waits_for_others_nor_is_waited_for() -> None:
    fast, own = worker(SLOW, *FAST_LANES), worker(SLOW, Lane.OPTIMIZE)
    load = {Lane.HIGH: 5, Lane.NORMAL: 7, Lane.BULK: 9, Lane.OPTIMIZE: 4}
    both = forecast(fast, own, queued=load, running={Lane.BULK: 3, Lane.OPTIMIZE: 1})
    assert ends(both, Lane.OPTIMIZE, 2) == 2
    assert ends(both, Lane.HIGH, 1) == 1 + 2  # of the three that run, two end before it
    alone = forecast(fast, queued=load).of(Lane.OPTIMIZE, 1)
    assert not alone.runnable
    assert "the lane 'optimize'" in str(alone.reason)


def test_a_job_that_starts_ends_among_those_that_run() -> None:
    busy = forecast(worker(SLOW), running={Lane.NORMAL: 3, Lane.BULK: 2})
    assert ends(busy, Lane.HIGH, 1) == 5
    assert ends(busy, Lane.BULK, 7) == 11


def test_a_job_that_no_worker_of_the_lane_understands_is_not_runnable() -> None:
    older = forecast(worker(1.0))  # at the base level
    view = older.of(Lane.HIGH, None, BASE_VERSION + 1)
    assert not view.runnable
    assert "older version" in str(view.reason)
    assert older.of(Lane.HIGH, None, BASE_VERSION).runnable
