"""Retention: records and objects are removed together, and only when they have ended."""

from __future__ import annotations

import pytest
import redis

from shared.errors import StorageUnavailable
from shared.policy.object_keys import result_key, results_key
from shared.request_errors import JobFinished, JobNotFound
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.records import JobStatus
from tests.checks.agreement import keys, members
from tests.jobs import (
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    counts,
    create,
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    let_time_pass,
    succeed,
)
from tests.stacks.ports import free_port
from tests.stacks.service import paint
from worker.upkeep.removal import Removal
from worker.upkeep.retention import RECORDS_PER_STEP, Retention

KEPT_SECONDS = 3600


pytestmark = pytest.mark.usefixtures("counters_agree")


@pytest.fixture
def storage(s3_settings: Settings) -> Storage:
    return Storage(s3_settings)


def retention(connection: redis.Redis, storage: Storage, kept_seconds: float = KEPT_SECONDS) -> Retention:
    batches, ended = BatchStore(connection), ExpiredRecords(connection)
    removal = Removal(ObjectGarbage(connection), storage, kept_seconds)
    return Retention(ended, batches, removal, LeaderLock(connection, "retention", 60), kept_seconds)


def test_jobs_that_ended_longer_ago_are_removed_with_their_pictures_and_all_else_stays(
    connection: redis.Redis, store: JobStore, storage: Storage
) -> None:
    old, young, waiting, running = (create(store) for _ in range(4))
    failed = create(store)
    claimed(store, running)
    paint(store, storage, old)
    fail(store, failed)
    key = store.get(old).result
    assert key is not None
    let_time_pass(connection, "ended")
    paint(store, storage, young)
    retention(connection, storage).step()
    for removed in (old, failed):
        with pytest.raises(JobNotFound):
            store.get(removed)
    assert not storage.exists(key.key)
    kept = store.get(young).result
    assert kept is not None
    assert storage.exists(kept.key)
    assert [store.get(job_id).status for job_id in (waiting, running)] == ["queued", "running"]


def test_a_batch_is_removed_as_a_whole_after_all_its_jobs_have_ended(
    connection: redis.Redis, store: JobStore, batches: BatchStore, storage: Storage
) -> None:
    ended, unfinished = (accept_batch(batches, bulk(2)) for _ in range(2))
    for job_id in (*job_ids(ended, 2), job_ids(unfinished, 1)[0]):
        paint(store, storage, job_id)
    pictures = [job.result.key for job in store.get_many(job_ids(ended, 2)) if job.result]
    batch = batches.take_finalizing(60)
    assert batch is not None
    results = [results_key(OWNER, ended, name) for name in ("output", "errors")]
    for key in results:
        storage.put(key, b"{}", "application/x-ndjson")
    batches.end(batch, *results)
    let_time_pass(connection, "ended")
    retention(connection, storage).step()
    assert keys(connection, f"*{ended}*") == []
    assert not any(map(storage.exists, pictures + results))
    assert len(store.page(OWNER, JobFilter(batch_id=unfinished), limit=10).jobs) == 2


def test_the_age_of_a_retried_job_begins_at_its_new_end(
    connection: redis.Redis, store: JobStore, batches: BatchStore, storage: Storage
) -> None:
    job_id, batch_id = create(store), accept_batch(batches, bulk(1))
    fail(store, job_id, *job_ids(batch_id, 1))
    finalize(batches)
    let_time_pass(connection, "ended")
    store.retry(job_id, OWNER)
    batches.retry(batch_id, OWNER, [JobStatus.FAILED])
    retention(connection, storage).step()
    succeed(store, job_id, *job_ids(batch_id, 1))
    finalize(batches)
    retention(connection, storage).step()
    assert store.get(job_id).status is JobStatus.SUCCEEDED
    assert batches.look(batch_id, OWNER).batch.counts[JobStatus.SUCCEEDED] == 1


def test_a_job_under_removal_is_not_retried(
    connection: redis.Redis, store: JobStore, batches: BatchStore
) -> None:
    job_id, batch_id = create(store), accept_batch(batches, bulk(1))
    line = job_ids(batch_id, 1)[0]
    fail(store, job_id, line)
    finalize(batches)
    assert ExpiredRecords(connection).retire(0, 10) == ([job_id], [batch_id])
    for retired in (job_id, line):
        with pytest.raises(JobFinished):
            store.retry(retired, OWNER)
    assert batches.retry(batch_id, OWNER, [JobStatus.FAILED]) == 0
    assert in_line(connection, Lane.NORMAL) == []


def test_while_the_storage_is_away_the_objects_of_removed_records_are_known_and_go_later(
    connection: redis.Redis, store: JobStore, storage: Storage, s3_settings: Settings
) -> None:
    job_id = create(store)
    paint(store, storage, job_id)
    let_time_pass(connection, "ended")
    nowhere = s3_settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(StorageUnavailable):
        retention(connection, Storage(nowhere)).step()
    with pytest.raises(JobNotFound):
        store.get(job_id)
    assert members(connection, "sq:removing") == [result_key(OWNER, job_id, "jpg")]
    let_time_pass(connection, "removing")
    retention(connection, storage).step()
    assert not storage.exists(result_key(OWNER, job_id, "jpg"))
    assert members(connection, "sq:removing") == []


def test_the_picture_of_a_worker_that_died_before_the_record_goes_with_the_job(
    connection: redis.Redis, store: JobStore, lanes: Lanes, storage: Storage
) -> None:
    job_id = create(store, max_attempts=1, output={"format": "webp"})
    claimed(store, job_id)
    key = result_key(OWNER, job_id, "webp")
    storage.put(key, b"RIFF", "image/webp")
    let_time_pass(connection, "leases")
    lanes.sweep(30, QUEUES)
    assert store.get(job_id).status is JobStatus.FAILED
    let_time_pass(connection, "ended")
    retention(connection, storage).step()
    assert not storage.exists(key)


def test_a_late_write_for_a_removed_job_is_removed_too(
    connection: redis.Redis, store: JobStore, batches: BatchStore, lanes: Lanes, storage: Storage
) -> None:
    keeper = retention(connection, storage)
    job_id = create(store, max_attempts=1)
    late = claimed(store, job_id)
    batch_id = accept_batch(batches, bulk(1))
    fail(store, job_ids(batch_id, 1)[0])
    batch = batches.take_finalizing(60)
    assert batch is not None
    let_time_pass(connection, "leases")
    lanes.sweep(30, QUEUES)
    store.delete(job_id, OWNER)
    batches.discard(batch_id)
    keeper.step()
    key, results = result_key(OWNER, job_id, "jpg"), results_key(OWNER, batch_id, "output")
    for each in (key, results):
        storage.put(each, b"late", "image/jpeg")
    assert end_job(store, late, RESULT.model_copy(update={"key": key})) is None
    assert not batches.end(batch, results, results)
    keeper.step()
    assert not any(map(storage.exists, (key, results)))


def test_a_step_removes_a_few_hundred_and_the_next_one_the_rest(
    connection: redis.Redis, store: JobStore, storage: Storage
) -> None:
    fail(store, *(create(store) for _ in range(RECORDS_PER_STEP + 1)))
    let_time_pass(connection, "ended")
    keeper = retention(connection, storage)
    left = []
    for _ in range(2):
        keeper.step()
        left.append(counts(connection)[JobStatus.FAILED])
    assert left == [1, 0]


def test_zero_keeps_everything_for_ever(connection: redis.Redis, store: JobStore, storage: Storage) -> None:
    fail(store, create(store))
    let_time_pass(connection, "ended")
    retention(connection, storage, kept_seconds=0).step()
    assert counts(connection)[JobStatus.FAILED] == 1
