"""Uploads live while a job names them or may name them."""

from __future__ import annotations

import pytest
import redis

from shared.policy.object_keys import upload_key
from shared.policy.queue_limits import NO_LIMITS
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.store.objects.uploads import UploadRegister
from shared.wire.descriptors import Lane
from tests.checks.agreement import members
from tests.contract.uploads.upload_steps import (
    KEPT_SECONDS,
    KEY,
    NAMED,
    OTHER,
    STYLE,
    announced_ago,
    removal,
    taken,
)
from tests.jobs import OWNER, accept_batch, bulk, create, fail, let_time_pass, now_ms, read_batch, request

HOUR_MS = 3_600_000


pytestmark = pytest.mark.usefixtures("counters_agree")


# --- how long ---------------------------------------------------------------------------------------


def test_an_upload_lives_as_long_as_a_job_names_it_and_goes_with_the_last(
    store: JobStore, garbage: ObjectGarbage, storage: Storage
) -> None:
    first, second = create(store, **NAMED), create(store, content={"upload_id": STYLE}, **NAMED)
    for job_id in (first, second):
        removal(garbage, storage).work_off()
        assert storage.exists(KEY)
        store.delete(job_id, OWNER)
    removal(garbage, storage).work_off()
    assert not storage.exists(KEY)
    assert storage.exists(upload_key(OWNER, OTHER))


def test_an_announced_upload_is_kept_for_its_time_whether_it_came_or_not(
    connection: redis.Redis, register: UploadRegister, garbage: ObjectGarbage, storage: Storage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE, OTHER, "7" * 64], 100))
    assert taken(garbage) == []
    for upload_id in (STYLE, "7" * 64):
        announced_ago(connection, KEPT_SECONDS * 1000 + 1, upload_id)
    removal(garbage, storage).work_off()
    assert not storage.exists(KEY)
    assert members(connection, "sq:uploads") == [f"{OWNER}/{OTHER}"]


def test_an_announcement_outlives_retention_and_the_end_of_other_jobs(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    job_id = create(store, **NAMED)
    fail(store, job_id)
    announced_ago(connection, 2 * HOUR_MS)
    ended = ExpiredRecords(connection)
    ended.remove(ended.retire(0, 10)[0])
    assert KEY not in taken(garbage)


def test_a_deleted_upload_goes_but_not_within_an_hour_of_its_announcement(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    announced_ago(connection, HOUR_MS / 2)
    store.delete(create(store, **NAMED), OWNER)
    assert taken(garbage) == []
    connection.zincrby("sq:uploads", HOUR_MS, f"{OWNER}/{STYLE}")  # a minus stands before the time
    assert taken(garbage) == [KEY]


def test_an_announcement_for_another_job_is_not_undone_by_deleting_an_older_one(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    job_id = create(store, **NAMED)
    connection.hset(f"sq:job:{job_id}", "created_ms", now_ms(connection) - 3 * HOUR_MS)
    announced_ago(connection, 2 * HOUR_MS)
    store.delete(job_id, OWNER)
    assert taken(garbage) == []


def test_zero_keeps_uploads_for_ever_and_still_removes_pictures(
    connection: redis.Redis, store: JobStore, garbage: ObjectGarbage, storage: Storage
) -> None:
    store.delete(create(store, **NAMED), OWNER)
    connection.zadd("sq:doomed", {"results/anna/job_1.jpg": 1})
    assert garbage.take(10, 0).keys == ("results/anna/job_1.jpg",)
    assert taken(garbage) == [KEY]


def test_a_due_upload_that_jobs_name_costs_no_more_than_its_count(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)
    let_time_pass(connection, "uploads")
    assert taken(garbage) == []
    assert members(connection, "sq:uploads") == []


# --- who names it -----------------------------------------------------------------------------------


def test_a_batch_that_shares_a_style_counts_it_once_per_line_and_a_deleted_one_not_at_all(
    connection: redis.Redis, batches: BatchStore, garbage: ObjectGarbage
) -> None:
    accepted = accept_batch(batches, bulk(300, **NAMED))
    read_batch(batches, bulk(5, styles=[{"upload_id": STYLE}, {"upload_id": OTHER}], style=None))
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "305", f"{OWNER}/{OTHER}": "5"}
    connection.zadd("sq:validating", dict.fromkeys(members(connection, "sq:validating"), 0))
    batches.sweep()
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "300"}
    batches.discard(accepted, asked=True)
    assert set(taken(garbage)) >= {KEY, upload_key(OWNER, OTHER)}


def test_a_step_that_is_sent_twice_counts_once(connection: redis.Redis, batches: BatchStore) -> None:
    batch_id = read_batch(batches)
    for _ in range(2):
        batches.add(batch_id, OWNER, [(1, request(lane=Lane.BULK, **NAMED))], 3, NO_LIMITS)
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}


def test_an_upload_that_is_named_by_its_url_counts_and_anothers_does_not(
    connection: redis.Redis, store: JobStore
) -> None:
    create(store, style={"url": f"s3://stylequeue/{KEY}"}, content={"url": "s3://photos/uploads/x/1.jpg"})
    create(store, style={"url": f"s3://photos/uploads/bert/{STYLE}"})
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}


# --- records of an older version ------------------------------------------------------------------------


def made_by_an_older_version(connection: redis.Redis, *job_ids: str) -> None:
    """Remove the counts, which an older version did not keep."""
    for job_id in job_ids:
        connection.hdel(f"sq:job:{job_id}", "counted")
        connection.decr("sq:counted")
        connection.hincrby("sq:named", f"{OWNER}/{STYLE}", -1)


def test_no_upload_goes_before_the_jobs_of_an_older_version_are_counted(
    connection: redis.Redis, store: JobStore, garbage: ObjectGarbage, storage: Storage
) -> None:
    old, new = create(store, **NAMED), create(store, **NAMED)
    made_by_an_older_version(connection, old)
    store.delete(new, OWNER)
    before = garbage.take(10, KEPT_SECONDS)
    assert (before.all_counted, before.keys) == (False, ())
    removal(garbage, storage).work_off()
    removal(garbage, storage).work_off()
    assert storage.exists(KEY)
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}
    store.delete(old, OWNER)
    removal(garbage, storage).work_off()
    assert not storage.exists(KEY)


def test_an_older_versions_job_that_is_removed_uncounted_makes_no_count_negative(
    connection: redis.Redis, store: JobStore
) -> None:
    old, _ = create(store, **NAMED), create(store, **NAMED)
    made_by_an_older_version(connection, old)
    store.delete(old, OWNER)
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}


def test_a_damaged_record_can_be_removed(connection: redis.Redis, store: JobStore) -> None:
    job_id = create(store)
    connection.hset(f"sq:job:{job_id}", "request", "{no JSON")
    assert store.delete(job_id, OWNER) == []


def test_counts_that_an_older_version_left_wrong_begin_anew(
    connection: redis.Redis, store: JobStore, garbage: ObjectGarbage, storage: Storage
) -> None:
    create(store, **NAMED)
    connection.incrby("sq:counted", 3)  # three jobs more, which an older version removed without counting
    connection.hincrby("sq:named", f"{OWNER}/{STYLE}", 3)
    assert garbage.count_all() == 0
    assert garbage.count_all() == 1
    assert garbage.take(10, KEPT_SECONDS).all_counted
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}


def test_uploads_that_nothing_is_known_of_are_adopted_and_go_in_their_time(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    create(store, **NAMED)
    found = [f"{OWNER}/{upload_id}" for upload_id in (STYLE, OTHER)]
    assert (register.adopt(found), register.adopt(found)) == (1, 0)
    assert taken(garbage) == []
    let_time_pass(connection, "uploads")
    assert taken(garbage) == [upload_key(OWNER, OTHER)]
