"""Recent ends of jobs, counted on a real Redis."""

from __future__ import annotations

import pytest
import redis

from shared.store.counts.recent import MINUTE, QUARTER_HOUR, Recent
from shared.store.jobs import JobStore
from shared.wire.records import JobStatus
from tests.checks.agreement import keys
from tests.jobs import claimed, create, fail, succeed


def ago(connection: redis.Redis, spans: int) -> None:
    """Shift all counts so many spans of ten seconds into the past."""
    for key in keys(connection, "sq:recent:*"):
        _, _, span = key.rpartition(":")
        connection.rename(key, f"sq:recent:{int(span) - spans}")


def test_an_empty_input_gives_no_events(connection: redis.Redis) -> None:
    recent = Recent(connection).look()
    assert (recent.minute.ended_per_second, recent.minute.failed) == (0, {})
    assert set(recent.minute.ended.values()) == {0}
    assert abs(recent.at.timestamp() - connection.time()[0]) < 60


def test_ends_are_counted_by_how_in_the_minute_and_the_quarter_of_an_hour(
    connection: redis.Redis, store: JobStore
) -> None:
    fail(store, create(store), create(store, lane="high"))
    ago(connection, MINUTE + 1)  # one more, for a span may end while this runs
    succeed(store, create(store), create(store), create(store, "bert", lane="bulk"))
    store.cancel(create(store), "anna")
    recent = Recent(connection).look()
    assert 50 <= recent.minute.seconds <= 60
    assert 890 <= recent.quarter_hour.seconds <= 900
    assert {status: number for status, number in recent.minute.ended.items() if number} == {
        JobStatus.SUCCEEDED: 3,
        JobStatus.CANCELED: 1,
    }
    assert recent.minute.ended_per_second == pytest.approx(4 / recent.minute.seconds, abs=0.001)
    assert (recent.minute.failed, recent.quarter_hour.failed) == ({}, {"image-undecodable": 2})
    assert recent.quarter_hour.ended[JobStatus.FAILED] == 2
    ago(connection, QUARTER_HOUR)
    assert sum(Recent(connection).look().quarter_hour.ended.values()) == 0


def test_counts_are_forgotten_by_themselves(connection: redis.Redis, store: JobStore) -> None:
    claimed(store, create(store))
    succeed(store, create(store))
    (key,) = keys(connection, "sq:recent:*")
    assert 900 < connection.ttl(key) <= 1200
