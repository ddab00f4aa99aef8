"""One look at all lanes, on a real Redis: its counts are those of the records, its age is the
oldest job's.
"""

from __future__ import annotations

import pytest
import redis

from shared.store.batches import BatchStore
from shared.store.counts.queue_state import QueueState
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneState
from tests.jobs import (
    MAX_ATTEMPTS,
    OWNER,
    accept_batch,
    bulk,
    claimed,
    create,
    job_ids,
    let_time_pass,
    meet_older_worker,
    now_ms,
    read_batch,
    request,
    take,
)

HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def look(connection: redis.Redis, lane: Lane = Lane.NORMAL) -> LaneState:
    states = {state.lane: state for state in QueueState(connection).look()}
    assert list(states) == list(Lane)
    return states[lane]


def queued_ago(connection: redis.Redis, milliseconds: int, *job_ids: str) -> None:
    """Set back the time at which these waiting jobs were queued."""
    for job_id in job_ids:
        queued = connection.hincrby("sq:job:" + job_id, "queued_ms", -milliseconds)
        owner, lane = connection.hmget("sq:job:" + job_id, "owner", "lane")
        connection.zadd(f"sq:line:{lane}:{owner}", {job_id: queued}, xx=True)


def batch_queued_ago(connection: redis.Redis, milliseconds: int, batch_id: str, owner: str = OWNER) -> None:
    connection.zincrby(f"sq:batchline:bulk:{owner}", -milliseconds, batch_id)


def test_an_empty_service_has_empty_lanes(connection: redis.Redis) -> None:
    for state in QueueState(connection).look():
        assert (state.queued, state.held, state.oldest_seconds, state.paused) == (0, 0, None, False)


def test_each_job_is_counted_where_it_is(store: JobStore, lanes: Lanes, connection: redis.Redis) -> None:
    ids = store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    lanes.dispatch(Lane.NORMAL, 5)
    claims = [claimed(store, job_id) for job_id in ids[:3]]
    store.release(claims[0], delay_seconds=60, counts=True)
    store.cancel(ids[1], OWNER)
    state = look(connection)
    assert (state.waiting, state.scheduled, state.dispatched) == (1, 1, 5)
    assert (state.running, state.canceling) == (1, 1)
    assert look(connection, Lane.HIGH).queued == 0


def test_jobs_of_a_batch_being_read_wait_but_could_not_start(
    batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, bulk(3))
    assert (look(connection, Lane.BULK).waiting, look(connection, Lane.BULK).oldest_seconds) == (3, None)
    batches.commit(batch_id)
    assert look(connection, Lane.BULK).oldest_seconds is not None


@pytest.mark.parametrize("named", [False, True])
def test_the_age_is_that_of_the_oldest_job_in_the_store_or_named_by_a_message(
    store: JobStore, lanes: Lanes, connection: redis.Redis, *, named: bool
) -> None:
    young, old = create(store), create(store, owner="zoe")
    queued_ago(connection, HOUR_MS, old)
    queued_ago(connection, MINUTE_MS, young)
    if named:
        meet_older_worker(connection)
        assert set(lanes.dispatch(Lane.NORMAL, 2)) == {young, old}
    assert 3600 <= (look(connection).oldest_seconds or 0) < 3660
    claimed(store, old)
    assert 60 <= (look(connection).oldest_seconds or 0) < 120
    claimed(store, young)
    assert look(connection).oldest_seconds is None


def test_a_batch_counts_with_its_time_while_its_jobs_wait(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    batch_queued_ago(connection, HOUR_MS, batch_id)
    create(store, lane=Lane.BULK)
    assert 3600 <= (look(connection, Lane.BULK).oldest_seconds or 0) < 3660
    for job_id in job_ids(batch_id, 2):
        store.cancel(job_id, OWNER)
    assert (look(connection, Lane.BULK).oldest_seconds or 0) < 60


def test_a_job_that_waits_for_its_next_attempt_counts_when_its_time_has_come(
    store: JobStore, connection: redis.Redis
) -> None:
    job_id = create(store)
    queued_ago(connection, HOUR_MS, job_id)
    store.release(claimed(store, job_id), delay_seconds=60, counts=True)
    assert look(connection).oldest_seconds is None
    connection.zadd("sq:scheduled:normal", {job_id: 0})
    assert (look(connection).oldest_seconds or 0) >= 3600


def test_a_look_is_bounded_and_then_sees_those_who_wait_longest_for_a_turn(
    store: JobStore, connection: redis.Redis
) -> None:
    waiting = create(store, "bea")
    create(store, "ada")
    create(store, "ada")
    take(store)  # ada's: names decide the order of owners who come at the same time
    queued_ago(connection, MINUTE_MS, waiting)
    state = QueueState(connection, most_looked_at=1).look()[1]
    assert (state.waiting, state.lane) == (2, Lane.NORMAL)
    assert 60 <= (state.oldest_seconds or 0) < 120


def test_a_paused_lane_says_so(connection: redis.Redis) -> None:
    connection.sadd("sq:paused", Lane.BULK)
    assert [state.lane for state in QueueState(connection).look() if state.paused] == [Lane.BULK]


def test_chores_are_what_a_worker_has_to_do_besides_jobs(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    state = QueueState(connection)
    accept_batch(batches, bulk(1))
    read_batch(batches, bulk(1))
    assert state.chores() == 0
    let_time_pass(connection, "validating")
    assert state.chores() == 1  # its reader was lost
    ended = accept_batch(batches, bulk(1))
    store.cancel(*job_ids(ended, 1), OWNER)
    connection.zadd(
        "sq:outboxes", {"due.example": now_ms(connection), "later.example": 2 * now_ms(connection)}
    )
    assert state.chores() == 3  # results to write, and a webhook


def test_looking_writes_nothing(store: JobStore, connection: redis.Redis) -> None:
    create(store)
    before = connection.info("persistence")["rdb_changes_since_last_save"]
    look(connection)
    QueueState(connection).chores()
    assert connection.info("persistence")["rdb_changes_since_last_save"] == before
