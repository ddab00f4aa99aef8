"""Series of the last hour and day; the tests move the noted points instead of the clock."""

from __future__ import annotations

import json

import pytest
import redis

from shared.store.counts.series import MINUTE_MS, SPANS, Series
from shared.store.jobs import JobStore
from shared.wire.operations.stats_records import Window
from tests.jobs import RESULT, claimed, create, end_job, fail, now_ms, succeed


@pytest.fixture
def series(connection: redis.Redis) -> Series:
    return Series(connection)


def make_older(connection: redis.Redis, window: Window, minutes: int) -> None:
    """Let all points of a series be older, in the places where older ones lie."""
    key, (span, number) = f"sq:series:{window}", SPANS[window]
    points = [json.loads(text) for text in connection.hvals(key)]
    connection.delete(key)
    for point in points:
        point["at"] -= minutes * MINUTE_MS
        connection.hset(key, str(point["at"] // span % number), json.dumps(point))


def test_a_point_has_what_ended_since_the_one_before_and_what_waits(
    store: JobStore, series: Series, connection: redis.Redis
) -> None:
    jobs = [create(store) for _ in range(6)]
    succeed(store, jobs[0])
    series.sample()
    make_older(connection, Window.HOUR, 1)
    succeed(store, *jobs[1:3])
    fail(store, jobs[3])
    claimed(store, jobs[4])
    series.sample()
    (point,) = series.look(Window.HOUR).points
    assert point.ended == {"succeeded": 2, "failed": 1, "canceled": 0, "expired": 0}
    assert (point.queued, point.running, point.failure_rate) == (1, 1, 0.3333)
    assert point.seconds >= 60
    assert point.ended_per_second == pytest.approx(3 / point.seconds, abs=0.001)
    assert point.oldest_seconds is not None


def test_a_point_has_the_mean_time_of_each_stage_of_its_own_jobs(
    store: JobStore, series: Series, connection: redis.Redis
) -> None:
    def painted(*times: dict[str, float]) -> None:
        for timings in times:
            job = claimed(store, create(store))
            end_job(store, job, RESULT.model_copy(update={"timings_ms": timings}))

    painted({"queue": 9000, "fetch": 5000})
    series.sample()
    make_older(connection, Window.HOUR, 1)
    painted({"queue": 100, "fetch": 10.5, "model": 20}, {"queue": 300, "fetch": 0.25}, {"queue": 200})
    fail(store, create(store))
    series.sample()
    (point,) = series.look(Window.HOUR).points
    assert point.stage_ms == {"queue": 200, "fetch": 5.38, "model": 20}


def test_points_of_an_older_version_have_no_stages(series: Series, connection: redis.Redis) -> None:
    series.sample()
    make_older(connection, Window.HOUR, 1)
    key = "sq:series:hour"
    for place, text in connection.hgetall(key).items():
        old = {name: value for name, value in json.loads(text).items() if name not in {"stage", "timed"}}
        connection.hset(key, place, json.dumps(old))
    series.sample()
    (point,) = series.look(Window.HOUR).points
    assert point.stage_ms == {}


@pytest.mark.parametrize("window", Window)
def test_a_series_keeps_its_points_and_no_more(
    series: Series, connection: redis.Redis, window: Window
) -> None:
    span, number = SPANS[window]
    for _ in range(number + 5):
        make_older(connection, window, span // MINUTE_MS)
        series.sample()
        series.sample()
    assert connection.hlen(f"sq:series:{window}") <= number
    points = series.look(window).points
    assert number - 3 <= len(points) < number
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert all(now_ms(connection) - point.at.timestamp() * 1000 <= span * number for point in points)


def test_a_gap_is_one_long_point_and_old_points_are_left_out(series: Series, connection: redis.Redis) -> None:
    series.sample()
    make_older(connection, Window.HOUR, 30)
    series.sample()
    (point,) = series.look(Window.HOUR).points
    assert point.seconds >= 30 * 60
    assert (point.failure_rate, point.oldest_seconds) == (None, None)
    make_older(connection, Window.HOUR, 45)
    series.sample()
    assert [round(each.seconds / 60) for each in series.look(Window.HOUR).points] == [45]
