"""A paused lane on a real Redis: none of its jobs starts or is lost, and later it continues in order."""

from __future__ import annotations

import pytest
import redis

from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    end_job,
    job_ids,
    let_time_pass,
    request,
    succeed,
)

pytestmark = pytest.mark.usefixtures("older_worker")

NORMAL = Lane.NORMAL


def sent(connection: redis.Redis) -> int:
    """Return the messages of the lane that are recorded as on their way."""
    return connection.zcard("sq:dispatched:normal")


def test_nothing_of_a_paused_lane_is_sent_and_other_lanes_go_on(store: JobStore, lanes: Lanes) -> None:
    waiting, high = create(store), create(store, lane="high")
    lanes.pause(NORMAL)
    later = create(store)
    assert lanes.dispatch(NORMAL, 10) == []
    assert lanes.dispatch(Lane.HIGH, 10) == [high]
    succeed(store, high)
    lanes.resume(NORMAL)
    assert lanes.dispatch(NORMAL, 10) == [waiting, later]


def test_a_paused_lane_is_known_to_all_and_pausing_twice_is_pausing_once(
    connection: redis.Redis, lanes: Lanes
) -> None:
    assert lanes.paused() == set()
    for lane in (Lane.BULK, NORMAL, NORMAL):
        lanes.pause(lane)
    assert Lanes(connection).paused() == {NORMAL, Lane.BULK}
    for _ in range(2):
        lanes.resume(NORMAL)
    assert lanes.paused() == {Lane.BULK}


def test_a_message_that_is_on_its_way_starts_nothing_and_its_job_keeps_its_place(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    ids += job_ids(accept_batch(batches, [request()] * 3), 3)
    assert lanes.dispatch(NORMAL, 6) == ids
    lanes.pause(NORMAL)
    for job_id in reversed(ids):
        assert store.claim(job_id, LEASE_SECONDS, "process") is None
    assert_counters_agree(connection)
    assert [store.look(job_id, OWNER).position for job_id in ids] == list(range(1, 7))
    assert {store.get(job_id).attempt for job_id in ids} == {0}
    lanes.resume(NORMAL)
    assert lanes.dispatch(NORMAL, 6) == ids


def test_a_message_that_outlives_the_pause_starts_its_job(store: JobStore, lanes: Lanes) -> None:
    job_id = create(store)
    lanes.dispatch(NORMAL, 1)
    lanes.pause(NORMAL)
    lanes.resume(NORMAL)
    assert claimed(store, job_id).job.attempt == 1


def test_running_jobs_go_on_and_given_back_ones_wait(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    ends, given_back, put_off = (claimed(store, create(store)) for _ in range(3))
    lanes.pause(NORMAL)
    assert store.renew([ends, given_back], LEASE_SECONDS) == set()
    assert end_job(store, ends, RESULT) is JobStatus.SUCCEEDED
    assert store.release(given_back, counts=False) is JobStatus.QUEUED
    assert store.release(put_off, delay_seconds=60, counts=True) is JobStatus.QUEUED
    let_time_pass(connection, "scheduled")
    assert lanes.dispatch(NORMAL, 10) == []
    assert store.claim(put_off.job.id, LEASE_SECONDS) is None
    assert_counters_agree(connection)
    lanes.resume(NORMAL)
    assert set(lanes.dispatch(NORMAL, 10)) == {given_back.job.id, put_off.job.id}


def test_a_claim_whose_answer_was_lost_is_answered_after_the_pause(store: JobStore, lanes: Lanes) -> None:
    claim = claimed(store, create(store))
    lanes.pause(NORMAL)
    again, _ = store._scripts.run("claim", claim.job.id, claim.token, LEASE_SECONDS * 1000, "", 1)
    assert claim.token in again


def test_a_lost_workers_job_waits_for_the_end_of_the_pause(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    swept, claimed_again = (claimed(store, create(store)).job.id for _ in range(2))
    lanes.pause(NORMAL)
    let_time_pass(connection, "leases")
    assert store.claim(claimed_again, LEASE_SECONDS) is None
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert {store.get(job_id).status for job_id in (swept, claimed_again)} == {JobStatus.QUEUED}
    assert lanes.dispatch(NORMAL, 10) == []
    lanes.resume(NORMAL)
    assert set(lanes.dispatch(NORMAL, 10)) == {swept, claimed_again}


def test_lost_messages_of_a_paused_lane_are_not_sent_again_and_leave_the_window(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    ids = store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    lanes.dispatch(NORMAL, 2)
    lanes.pause(NORMAL)
    let_time_pass(connection, "dispatched")
    assert lanes.sweep(LEASE_SECONDS, QUEUES) == []
    assert sent(connection) == 0
    assert_counters_agree(connection)
    lanes.resume(NORMAL)
    assert lanes.dispatch(NORMAL, 2) == ids


def test_canceling_and_deadlines_take_no_notice_of_a_pause(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    lanes.pause(NORMAL)
    lanes.pause(Lane.BULK)
    waiting, overdue, claimed_late = create(store), *(create(store, start_within=60) for _ in range(2))
    batch_id = accept_batch(batches, bulk(2))
    assert store.cancel(waiting, OWNER).status is JobStatus.CANCELED
    let_time_pass(connection, "deadlines")
    connection.hset("sq:job:" + claimed_late, "expires_ms", 1)
    assert store.claim(claimed_late, LEASE_SECONDS) is None
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert {store.get(job_id).status for job_id in (overdue, claimed_late)} == {JobStatus.EXPIRED}
    batches.cancel(batch_id, OWNER)
    assert {store.get(job_id).status for job_id in job_ids(batch_id, 2)} == {JobStatus.CANCELED}
    assert_counters_agree(connection)


def test_a_batch_across_lanes_waits_only_in_the_paused_one(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    lanes.pause(Lane.BULK)
    batch_id = accept_batch(batches, [*bulk(1), request(lane="high")])
    paused, high = job_ids(batch_id, 2)
    assert (lanes.dispatch(Lane.BULK, 5), lanes.dispatch(Lane.HIGH, 5)) == ([], [high])
    succeed(store, high)
    assert batches.look(batch_id, OWNER).last_positions == {Lane.BULK: 1}
    lanes.resume(Lane.BULK)
    assert lanes.dispatch(Lane.BULK, 5) == [paused]
    succeed(store, paused)
    assert batches.take_finalizing(LEASE_SECONDS) is not None


def test_a_full_redis_can_be_paused_and_resumed(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    job_id = create(store)
    lanes.dispatch(NORMAL, 1)
    connection.config_set("maxmemory", "1")
    try:
        lanes.pause(NORMAL)
        assert store.claim(job_id, LEASE_SECONDS) is None
        assert_counters_agree(connection)
        lanes.resume(NORMAL)
        assert lanes.dispatch(NORMAL, 1) == [job_id]
    finally:
        connection.config_set("maxmemory", "0")
