"""A Redis that refuses all or some writes: a step happens whole or not at all, and can be repeated later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.errors import QueueUnavailable
from shared.policy.queue_limits import NO_LIMITS
from shared.store.batches import BatchStore
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.objects.retention import ExpiredRecords
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
    fail,
    job_ids,
    read_batch,
    rejected,
    request,
    succeed,
)
from tests.stacks.servers import configured, wait_until


def contents(connection: redis.Redis) -> dict[str, Any]:
    """Return every key with its value. Fields of a hash may change their order, so it is not dumped."""
    where = connection.connection_pool.connection_kwargs
    raw = redis.Redis(
        where["host"], where["port"], where["db"]
    )  # no health check: a disk error refuses PING too
    found = {
        key.decode(): raw.hgetall(key) if raw.type(key) == b"hash" else raw.dump(key) for key in raw.keys("*")
    }
    raw.close()
    return found


def test_a_full_redis_refuses_what_is_new_as_a_whole_and_takes_it_when_there_is_room(
    connection: redis.Redis, store: JobStore, batches: BatchStore
) -> None:
    failed, deadline = create(store), create(store, start_within=60)
    fail(store, failed)
    being_read = read_batch(batches, bulk(3))
    ended = accept_batch(batches, bulk(1))
    fail(store, *job_ids(ended, 1))
    dead_letters = DeadLetters(connection, store)
    steps: list[Callable[[], object]] = [
        lambda: create(store, start_within=5),
        lambda: store.create_once(OWNER, request(), MAX_ATTEMPTS, "key"),
        lambda: store.create(OWNER, [request()] * 300, MAX_ATTEMPTS),
        lambda: store.retry(failed, OWNER),
        lambda: batches.begin(OWNER, {"a": "b"}, None),
        lambda: batches.add(being_read, OWNER, [(4, request())], MAX_ATTEMPTS, NO_LIMITS),
        lambda: batches.reject(being_read, [rejected(5)]),
        lambda: batches.commit(being_read),
        lambda: batches.retry(ended, OWNER, [JobStatus.FAILED]),
        lambda: dead_letters.replay_all(OWNER, None),
    ]
    before = contents(connection)
    with configured(connection, "maxmemory", "1", "0"):
        for step in steps:
            with pytest.raises(QueueUnavailable, match="full"):
                step()
        assert contents(connection) == before
    for step in steps:
        step()
    assert_counters_agree(connection)
    assert store.get(deadline).status is JobStatus.QUEUED


def test_work_in_hand_goes_on_and_ends_while_redis_is_full(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    ids = store.create(OWNER, [request()] * 7, MAX_ATTEMPTS)
    batch_id = accept_batch(batches, bulk(2))
    lanes.dispatch(Lane.NORMAL, 20)
    first, second, third, canceled, silent, waiting, deleted = ids
    claims = [claimed(store, job_id) for job_id in (first, second, third)]
    held = claimed(store, canceled)
    claimed(store, silent)
    connection.zadd("sq:leases", {silent: 0})
    with configured(connection, "maxmemory", "1", "0"):
        assert store.renew(claims, LEASE_SECONDS) == set()
        assert end_job(store, claims[0], RESULT) is JobStatus.SUCCEEDED
        assert store.release(claims[1], counts=True) is JobStatus.QUEUED
        assert store.release(claims[2], delay_seconds=60, counts=False) is JobStatus.QUEUED
        assert store.cancel(canceled, OWNER).status is JobStatus.CANCELING
        assert store.renew([held], LEASE_SECONDS) == {canceled}
        assert store.release(held, counts=False) is JobStatus.CANCELED
        succeed(store, waiting)
        store.delete(deleted, OWNER)
        batches.cancel(batch_id, OWNER)
        with LeaderLock(connection, "sweep", 5).held() as mine:
            assert mine
            lanes.sweep(LEASE_SECONDS, QUEUES)
        assert store.get(silent).status is JobStatus.QUEUED
        lanes.undispatch(lanes.dispatch(Lane.NORMAL, 20))
        batches.sweep()
        taken = batches.take_finalizing(LEASE_SECONDS)
        assert taken is not None
        assert batches.end(taken, "output", "errors")
        jobs, old_batches = ExpiredRecords(connection).retire(0, 100)
        ExpiredRecords(connection).remove(jobs)
        assert set(jobs) == {first, canceled, waiting}
        assert old_batches == [batch_id]
        batches.discard(batch_id)
        assert_counters_agree(connection)
    assert_counters_agree(connection)


def test_a_replica_refuses_every_step_as_a_whole_and_takes_them_when_it_is_master_again(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    claim = claimed(store, create(store))
    waiting = create(store)
    before = contents(connection)
    steps: list[Callable[[], object]] = [
        lambda: create(store),
        lambda: store.cancel(waiting, OWNER),
        lambda: store.claim(waiting, LEASE_SECONDS),
        lambda: store.renew([claim], LEASE_SECONDS),
        lambda: end_job(store, claim, RESULT),
        lambda: lanes.sweep(0, QUEUES),
    ]
    connection.replicaof("127.0.0.1", 1)
    try:
        for step in steps:
            with pytest.raises(QueueUnavailable, match="replica"):
                step()
        assert contents(connection) == before
    finally:
        connection.replicaof("NO", "ONE")
    assert end_job(store, claim, RESULT) is JobStatus.SUCCEEDED
    succeed(store, waiting)
    assert_counters_agree(connection)


def test_a_redis_that_cannot_write_to_its_disk_refuses_every_step_as_a_whole(
    connection: redis.Redis, store: JobStore
) -> None:
    claim = claimed(store, create(store))
    (folder,) = connection.config_get("dir").values()
    in_the_way = Path(folder) / "dump.rdb"
    in_the_way.mkdir()  # where the snapshot is to be written
    connection.config_set("save", "3600 1")  # a failed snapshot stops writes only if snapshots are configured
    before = contents(connection)
    try:
        connection.bgsave()
        wait_until(lambda: connection.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the error")
        for step in (lambda: create(store), lambda: end_job(store, claim, RESULT)):
            with pytest.raises(QueueUnavailable, match="disk"):
                step()
        assert contents(connection) == before
    finally:
        connection.config_set("save", "")
        in_the_way.rmdir()
    assert end_job(store, claim, RESULT) is JobStatus.SUCCEEDED
