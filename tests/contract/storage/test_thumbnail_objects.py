"""Thumbnails in the bucket: they are counted, and go, with their job."""

from __future__ import annotations

import pytest
import redis

from shared.policy.object_keys import THUMBNAIL_ABOVE, result_key, thumbnail_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.adoption import Adoption
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from shared.wire.records import JobResult, Thumbnail
from tests.checks.agreement import members
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
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
)
from worker.upkeep.removal import Removal
from worker.upkeep.retention import Retention

pytestmark = pytest.mark.usefixtures("counters_agree")
SMALL = Thumbnail(width=320, height=240, bytes=7)
LARGE = THUMBNAIL_ABOVE + 1


def result(job_id: str, **members: object) -> JobResult:
    """Return a result with a thumbnail."""
    members = {"key": result_key(OWNER, job_id, "jpg"), "width": LARGE, "thumbnail": SMALL, **members}
    return RESULT.model_copy(update=members)


def stored(connection: redis.Redis, owner: str = OWNER) -> int:
    return int(str(connection.hget("sq:stored", owner) or 0))


def keys(job_id: str, owner: str = OWNER) -> list[str]:
    return [result_key(owner, job_id, "jpg"), thumbnail_key(owner, job_id)]


def test_its_bytes_count_from_the_end_of_the_job_until_both_objects_go(
    connection: redis.Redis, store: JobStore
) -> None:
    job_id = create(store)
    end_job(store, claimed(store, job_id), result(job_id))
    assert stored(connection) == RESULT.bytes + SMALL.bytes
    assert store.get(job_id).result == result(job_id)
    assert store.delete(job_id, OWNER) == keys(job_id)
    assert set(members(connection, "sq:doomed")) == set(keys(job_id))
    assert stored(connection) == 0


def test_beside_a_picture_in_the_clients_bucket_only_the_thumbnail_is_the_services(
    connection: redis.Redis, store: JobStore
) -> None:
    job_id = create(store, output={"bucket": "customers"})
    end_job(store, claimed(store, job_id), result(job_id, bucket="customers", key="a.jpg"))
    assert stored(connection) == SMALL.bytes
    assert store.delete(job_id, OWNER) == [thumbnail_key(OWNER, job_id)]
    assert stored(connection) == 0


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"width": 4, "thumbnail": None}, False),  # too small to have one
        ({"thumbnail": None}, True),  # none was noted, but a PUT that seemed to fail may have arrived
    ],
)
def test_a_thumbnail_that_may_exist_is_removed_and_no_other(
    connection: redis.Redis, store: JobStore, changes: dict[str, object], more: bool
) -> None:
    job_id = create(store)
    end_job(store, claimed(store, job_id), result(job_id, **changes))
    assert stored(connection) == RESULT.bytes
    assert store.delete(job_id, OWNER) == keys(job_id)[: 1 + more]


def test_a_job_that_began_may_have_one_and_one_that_never_did_has_none(store: JobStore) -> None:
    never, began = create(store), create(store)
    end_job(store, claimed(store, began), ERROR)
    assert store.delete(began, OWNER) == keys(began)
    assert store.delete(never, OWNER) == []


def test_a_worker_that_comes_after_the_removal_leaves_nothing(
    connection: redis.Redis, store: JobStore, lanes: Lanes
) -> None:
    job_id = create(store, max_attempts=1)
    late = claimed(store, job_id)
    let_time_pass(connection, "leases")
    lanes.sweep(LEASE_SECONDS, QUEUES)
    store.delete(job_id, OWNER)
    connection.delete("sq:doomed")  # they were removed; then the late worker wrote both
    assert end_job(store, late, result(job_id)) is None
    assert set(members(connection, "sq:doomed")) == set(keys(job_id))
    assert stored(connection) == 0


def test_an_adopted_job_keeps_its_thumbnails_place_and_its_new_owner_has_the_bytes(
    connection: redis.Redis, store: JobStore
) -> None:
    job_id = create(store, ANONYMOUS_OWNER)
    key = result_key(ANONYMOUS_OWNER, job_id, "jpg")
    end_job(store, claimed(store, job_id), result(job_id, key=key))
    Adoption(connection).adopt("me")
    assert (stored(connection, ANONYMOUS_OWNER), stored(connection, "me")) == (
        0,
        RESULT.bytes + SMALL.bytes,
    )
    assert store.delete(job_id, "me") == keys(job_id, ANONYMOUS_OWNER)


def test_retention_and_a_batchs_deletion_remove_them_from_the_bucket(
    connection: redis.Redis, store: JobStore, batches: BatchStore, s3_settings: Settings
) -> None:
    storage = Storage(s3_settings)
    batch_id = accept_batch(batches, bulk(1))
    alone, line = create(store), job_ids(batch_id, 1)[0]
    objects = [key for job_id in (alone, line) for key in keys(job_id)]
    for key in objects:
        storage.put(key, b"picture", "image/jpeg")
    for job_id in (alone, line):
        end_job(store, claimed(store, job_id), result(job_id))
    let_time_pass(connection, "ended")
    removal = Removal(ObjectGarbage(connection), storage, 3600)
    lock = LeaderLock(connection, "retention", 60)
    assert set(batches.discard(batch_id, asked=True)) >= set(keys(line))
    Retention(ExpiredRecords(connection), batches, removal, lock, 3600).step()
    assert not any(map(storage.exists, objects))
    assert stored(connection) == 0
