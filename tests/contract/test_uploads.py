"""Uploads live while a job names them or may name them, in every order of announcing, naming and removing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.errors import ObjectsKept, StorageUnavailable, UploadBeingRemoved
from shared.policy.object_keys import upload_key
from shared.policy.queue_limits import NO_LIMITS
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import LeasedObjects, ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.store.objects.uploads import UploadRegister
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.agreement import assert_counters_agree, members
from tests.jobs import (
    OWNER,
    accept_batch,
    bulk,
    counts,
    create,
    fail,
    let_time_pass,
    next_millisecond,
    now_ms,
    read_batch,
    request,
)
from tests.servers import wait_until
from worker.upkeep.removal import SIGNED_WITHIN_SECONDS, Removal

KEPT_SECONDS = 7 * 24 * 3600
HOUR_MS = 3_600_000
STYLE, OTHER = "5" * 64, "6" * 64
NAMED = {"style": {"upload_id": STYLE}}
KEY = upload_key(OWNER, STYLE)


pytestmark = pytest.mark.usefixtures("counters_agree")


@pytest.fixture
def storage(s3_settings: Settings) -> Storage:
    storage = Storage(s3_settings)
    for upload_id in (STYLE, OTHER):
        storage.put(upload_key(OWNER, upload_id), b"a picture", "image/png")
    return storage


@pytest.fixture
def register(connection: redis.Redis) -> UploadRegister:
    return UploadRegister(connection)


@pytest.fixture
def unwanted(connection: redis.Redis) -> ObjectGarbage:
    return ObjectGarbage(connection)


def taken(unwanted: ObjectGarbage) -> list[str]:
    """Return the uploads that would be removed now; they stay taken."""
    return list(unwanted.take(100, KEPT_SECONDS).keys)


def announced_ago(connection: redis.Redis, milliseconds: float, upload_id: str = STYLE) -> None:
    connection.zadd("sq:uploads", {f"{OWNER}/{upload_id}": now_ms(connection) - milliseconds})


def removal(unwanted: ObjectGarbage, storage: Storage, kept_seconds: float = KEPT_SECONDS) -> Removal:
    return Removal(unwanted, storage, kept_seconds)


# --- how long ---------------------------------------------------------------------------------------


def test_an_upload_lives_as_long_as_a_job_names_it_and_goes_with_the_last(
    store: JobStore, unwanted: ObjectGarbage, storage: Storage
) -> None:
    first, second = create(store, **NAMED), create(store, content={"upload_id": STYLE}, **NAMED)
    for job_id in (first, second):
        removal(unwanted, storage).work_off()
        assert storage.exists(KEY)
        store.delete(job_id, OWNER)
    removal(unwanted, storage).work_off()
    assert not storage.exists(KEY)
    assert storage.exists(upload_key(OWNER, OTHER))


def test_an_announced_upload_is_kept_for_its_time_whether_it_came_or_not(
    connection: redis.Redis, register: UploadRegister, unwanted: ObjectGarbage, storage: Storage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE, OTHER, "7" * 64], 100))
    assert taken(unwanted) == []
    for upload_id in (STYLE, "7" * 64):
        announced_ago(connection, KEPT_SECONDS * 1000 + 1, upload_id)
    removal(unwanted, storage).work_off()
    assert not storage.exists(KEY)
    assert members(connection, "sq:uploads") == [f"{OWNER}/{OTHER}"]


def test_an_announcement_outlives_retention_and_the_end_of_other_jobs(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    job_id = create(store, **NAMED)
    fail(store, job_id)
    announced_ago(connection, 2 * HOUR_MS)
    ended = ExpiredRecords(connection)
    ended.remove(ended.retire(0, 10)[0])
    assert KEY not in taken(unwanted)


def test_what_the_owner_deletes_goes_but_not_within_an_hour_of_its_announcement(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    announced_ago(connection, HOUR_MS / 2)
    store.delete(create(store, **NAMED), OWNER)
    assert taken(unwanted) == []
    connection.zincrby("sq:uploads", HOUR_MS, f"{OWNER}/{STYLE}")  # a minus stands before the time
    assert taken(unwanted) == [KEY]


def test_an_announcement_for_another_job_is_not_undone_by_deleting_an_older_one(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    job_id = create(store, **NAMED)
    connection.hset(f"sq:job:{job_id}", "created_ms", now_ms(connection) - 3 * HOUR_MS)
    announced_ago(connection, 2 * HOUR_MS)
    store.delete(job_id, OWNER)
    assert taken(unwanted) == []


def test_zero_keeps_uploads_for_ever_and_still_removes_pictures(
    connection: redis.Redis, store: JobStore, unwanted: ObjectGarbage, storage: Storage
) -> None:
    store.delete(create(store, **NAMED), OWNER)
    connection.zadd("sq:doomed", {"results/anna/job_1.jpg": 1})
    assert unwanted.take(10, 0).keys == ("results/anna/job_1.jpg",)
    assert taken(unwanted) == [KEY]


def test_a_due_upload_that_jobs_name_costs_no_more_than_its_count(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)
    let_time_pass(connection, "uploads")
    assert taken(unwanted) == []
    assert members(connection, "sq:uploads") == []


# --- who names it -----------------------------------------------------------------------------------


def test_a_batch_that_shares_a_style_counts_it_once_per_line_and_a_deleted_one_not_at_all(
    connection: redis.Redis, batches: BatchStore, unwanted: ObjectGarbage
) -> None:
    accepted = accept_batch(batches, bulk(300, **NAMED))
    read_batch(batches, bulk(5, styles=[{"upload_id": STYLE}, {"upload_id": OTHER}], style=None))
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "305", f"{OWNER}/{OTHER}": "5"}
    connection.zadd("sq:validating", dict.fromkeys(members(connection, "sq:validating"), 0))
    batches.sweep()
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "300"}
    batches.discard(accepted, asked=True)
    assert set(taken(unwanted)) >= {KEY, upload_key(OWNER, OTHER)}


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


# --- while it is being removed ------------------------------------------------------------------------


def test_while_an_upload_is_being_removed_it_can_be_neither_announced_nor_named(
    connection: redis.Redis,
    store: JobStore,
    batches: BatchStore,
    register: UploadRegister,
    unwanted: ObjectGarbage,
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    being_removed = unwanted.take(10, KEPT_SECONDS)
    assert being_removed.keys == (KEY,)
    with pytest.raises(UploadBeingRemoved):
        register.announce(OWNER, dict.fromkeys([OTHER, STYLE], 100))
    with pytest.raises(UploadBeingRemoved):
        create(store, **NAMED)
    with pytest.raises(UploadBeingRemoved):
        read_batch(batches, [request(), request(**NAMED)])
    assert connection.zscore("sq:uploads", f"{OWNER}/{OTHER}") is None
    assert counts(connection)[JobStatus.QUEUED] == 0
    unwanted.forget(being_removed, being_removed.keys)
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)


def test_what_a_dead_worker_was_removing_can_be_announced_when_s3_takes_nothing_from_it_any_more(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = unwanted.take(10, KEPT_SECONDS)
    let_time_pass(connection, "removing")
    with pytest.raises(UploadBeingRemoved):
        create(store, **NAMED)  # it may be gone, and nobody has looked
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)
    unwanted.forget(late, late.keys)
    assert taken(unwanted) == []


def test_what_a_dead_worker_was_removing_is_removed_by_another(
    connection: redis.Redis, unwanted: ObjectGarbage, storage: Storage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = unwanted.take(10, KEPT_SECONDS)
    assert taken(unwanted) == []
    let_time_pass(connection, "removing")
    next_millisecond(connection)  # a mark is known by its time
    again = unwanted.take(10, KEPT_SECONDS)
    assert again.keys == (KEY,)
    unwanted.forget(late, late.keys)  # the dead one was only slow; the mark is not its own any more
    assert members(connection, "sq:removing") == [KEY]
    let_time_pass(connection, "removing")
    removal(unwanted, storage).work_off()
    assert not storage.exists(KEY)
    assert members(connection, "sq:removing") == []


class SlowStorage(Storage):
    """A storage that lets other steps happen between the mark in Redis and the request to S3, which is old by
    then.
    """

    def __init__(self, settings: Settings, meanwhile: Callable[[], object]) -> None:
        super().__init__(settings)
        self._meanwhile = meanwhile

    def presigned_deletes(self, keys: Iterable[str], seconds: int) -> dict[str, str]:
        return super().presigned_deletes(keys, min(seconds, 1))

    def send_deletes(self, urls: Mapping[str, str]) -> None:
        self._meanwhile()
        signed_at = time.time()
        wait_until(lambda: time.time() > signed_at + 2)
        super().send_deletes(urls)


def test_a_worker_that_wakes_up_late_cannot_remove_what_a_job_names_by_then(
    connection: redis.Redis,
    store: JobStore,
    register: UploadRegister,
    unwanted: ObjectGarbage,
    storage: Storage,
    s3_settings: Settings,
) -> None:
    def the_mark_grows_old_and_a_client_comes() -> None:
        let_time_pass(connection, "removing")
        register.announce(OWNER, dict.fromkeys([STYLE], 100))
        assert storage.exists(KEY)
        create(store, **NAMED)

    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = SlowStorage(s3_settings, the_mark_grows_old_and_a_client_comes)
    with pytest.raises(ObjectsKept, match="does not delete"):
        removal(unwanted, late).work_off()
    assert storage.exists(KEY)
    removal(unwanted, storage).work_off()
    assert storage.exists(KEY)


def test_a_worker_whose_signatures_come_too_late_sends_nothing(
    connection: redis.Redis, unwanted: ObjectGarbage, storage: Storage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = unwanted.take(10, KEPT_SECONDS)
    stood_still = replace(late, at_ms=late.at_ms - (SIGNED_WITHIN_SECONDS + 5) * 1000)
    with pytest.raises(StorageUnavailable, match="clocks"):
        removal(unwanted, storage).remove(stood_still)
    assert storage.exists(KEY)


class Interleavings(RuleBasedStateMachine):
    """Clients that announce, send and submit, and workers that remove, in any order, on real servers.

    A worker may stop between any two of its steps; once the mark is old, S3 no longer takes its request.
    """

    def __init__(self, connection: redis.Redis, storage: Storage) -> None:
        super().__init__()
        connection.flushdb()
        storage.delete(KEY)
        self.connection, self.storage = connection, storage
        self.store, self.register = JobStore(connection), UploadRegister(connection)
        self.unwanted = ObjectGarbage(connection)
        self.ready = 0  # clients that have announced, and sent what was not there
        self.jobs: list[str] = []
        self.in_flight: list[LeasedObjects] = []

    @rule()
    def announce_and_send(self) -> None:
        try:
            self.register.announce(OWNER, dict.fromkeys([STYLE], 100))
        except UploadBeingRemoved:
            return
        if not self.storage.exists(KEY):
            self.storage.put(KEY, b"a picture", "image/png")
        self.ready += 1

    @precondition(lambda self: self.ready)
    @rule()
    def submit(self) -> None:
        self.ready -= 1
        self.jobs.append(create(self.store, **NAMED))

    @precondition(lambda self: self.jobs)
    @rule(asked=st.booleans())
    def a_job_goes(self, *, asked: bool) -> None:
        job_id = self.jobs.pop()
        if asked:
            self.store.delete(job_id, OWNER)
        else:
            fail(self.store, job_id)
            ended = ExpiredRecords(self.connection)
            ended.remove(ended.retire(0, 10)[0])

    @precondition(lambda self: not self.ready)
    @rule()
    def the_announcement_grows_old(self) -> None:
        if self.connection.zscore("sq:uploads", f"{OWNER}/{STYLE}"):
            announced_ago(self.connection, 2 * KEPT_SECONDS * 1000)

    @rule()
    def take(self) -> None:
        self.in_flight.append(self.unwanted.take(10, KEPT_SECONDS))

    @precondition(lambda self: self.in_flight)
    @rule()
    def send(self) -> None:
        self.storage.send_deletes(self.storage.presigned_deletes(self.in_flight[0].keys, 60))

    @precondition(lambda self: self.in_flight)
    @rule()
    def forget(self) -> None:
        self.send()
        done = self.in_flight.pop(0)
        self.unwanted.forget(done, done.keys)

    @rule()
    def marks_grow_old(self) -> None:
        let_time_pass(self.connection, "removing")
        self.in_flight.clear()

    @invariant()
    def no_accepted_job_lacks_its_upload(self) -> None:
        if self.jobs:
            assert self.storage.exists(KEY)

    @invariant()
    def counters_agree(self) -> None:
        assert_counters_agree(self.connection)

    def teardown(self) -> None:
        """Check that the object is gone once all jobs and announcements are."""
        while self.jobs:
            self.a_job_goes(asked=True)
        self.marks_grow_old()
        let_time_pass(self.connection, "uploads")
        Removal(self.unwanted, self.storage, KEPT_SECONDS).work_off()
        assert not self.storage.exists(KEY)


def test_no_order_of_clients_and_workers_loses_the_upload_of_an_accepted_job_or_leaves_one(
    connection: redis.Redis, storage: Storage
) -> None:
    run_state_machine_as_test(
        lambda: Interleavings(connection, storage),
        settings=settings(
            max_examples=40,
            derandomize=True,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


# --- records of an older version ------------------------------------------------------------------------


def made_by_an_older_version(connection: redis.Redis, *job_ids: str) -> None:
    """Remove the counts, which an older version did not keep."""
    for job_id in job_ids:
        connection.hdel(f"sq:job:{job_id}", "counted")
        connection.decr("sq:counted")
        connection.hincrby("sq:named", f"{OWNER}/{STYLE}", -1)


def test_no_upload_goes_before_the_jobs_of_an_older_version_are_counted(
    connection: redis.Redis, store: JobStore, unwanted: ObjectGarbage, storage: Storage
) -> None:
    old, new = create(store, **NAMED), create(store, **NAMED)
    made_by_an_older_version(connection, old)
    store.delete(new, OWNER)
    before = unwanted.take(10, KEPT_SECONDS)
    assert (before.all_counted, before.keys) == (False, ())
    removal(unwanted, storage).work_off()
    removal(unwanted, storage).work_off()
    assert storage.exists(KEY)
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}
    store.delete(old, OWNER)
    removal(unwanted, storage).work_off()
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
    connection: redis.Redis, store: JobStore, unwanted: ObjectGarbage, storage: Storage
) -> None:
    create(store, **NAMED)
    connection.incrby("sq:counted", 3)  # three jobs more, which an older version removed without counting
    connection.hincrby("sq:named", f"{OWNER}/{STYLE}", 3)
    assert unwanted.count_all() == 0
    assert unwanted.count_all() == 1
    assert unwanted.take(10, KEPT_SECONDS).all_counted
    assert connection.hgetall("sq:named") == {f"{OWNER}/{STYLE}": "1"}


def test_uploads_that_nothing_is_known_of_are_adopted_and_go_in_their_time(
    connection: redis.Redis, store: JobStore, register: UploadRegister, unwanted: ObjectGarbage
) -> None:
    create(store, **NAMED)
    found = [f"{OWNER}/{upload_id}" for upload_id in (STYLE, OTHER)]
    assert (register.adopt(found), register.adopt(found)) == (1, 0)
    assert taken(unwanted) == []
    let_time_pass(connection, "uploads")
    assert taken(unwanted) == [upload_key(OWNER, OTHER)]
