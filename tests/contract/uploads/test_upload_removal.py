"""Removal of uploads by workers that die or wake up late, and random orders of clients and workers."""

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
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import LeasedObjects, ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.store.objects.uploads import UploadRegister
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree, members
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
from tests.jobs import OWNER, counts, create, fail, let_time_pass, next_millisecond, read_batch, request
from tests.stacks.servers import wait_until
from worker.upkeep.removal import SIGNED_WITHIN_SECONDS, Removal

pytestmark = pytest.mark.usefixtures("counters_agree")


def test_while_an_upload_is_being_removed_it_can_be_neither_announced_nor_named(
    connection: redis.Redis,
    store: JobStore,
    batches: BatchStore,
    register: UploadRegister,
    garbage: ObjectGarbage,
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    being_removed = garbage.take(10, KEPT_SECONDS)
    assert being_removed.keys == (KEY,)
    with pytest.raises(UploadBeingRemoved):
        register.announce(OWNER, dict.fromkeys([OTHER, STYLE], 100))
    with pytest.raises(UploadBeingRemoved):
        create(store, **NAMED)
    with pytest.raises(UploadBeingRemoved):
        read_batch(batches, [request(), request(**NAMED)])
    assert connection.zscore("sq:uploads", f"{OWNER}/{OTHER}") is None
    assert counts(connection)[JobStatus.QUEUED] == 0
    garbage.forget(being_removed, being_removed.keys)
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)


def test_an_upload_under_removal_by_a_dead_worker_can_be_announced_once_s3_refuses_that_worker(
    connection: redis.Redis, store: JobStore, register: UploadRegister, garbage: ObjectGarbage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = garbage.take(10, KEPT_SECONDS)
    let_time_pass(connection, "removing")
    with pytest.raises(UploadBeingRemoved):
        create(store, **NAMED)  # it may be gone, and no worker has checked
    register.announce(OWNER, dict.fromkeys([STYLE], 100))
    create(store, **NAMED)
    garbage.forget(late, late.keys)
    assert taken(garbage) == []


def test_another_worker_completes_the_removal_of_a_dead_one(
    connection: redis.Redis, garbage: ObjectGarbage, storage: Storage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = garbage.take(10, KEPT_SECONDS)
    assert taken(garbage) == []
    let_time_pass(connection, "removing")
    next_millisecond(connection)  # a mark is known by its time
    again = garbage.take(10, KEPT_SECONDS)
    assert again.keys == (KEY,)
    garbage.forget(late, late.keys)  # the dead worker was only slow; the mark is no longer its own
    assert members(connection, "sq:removing") == [KEY]
    let_time_pass(connection, "removing")
    removal(garbage, storage).work_off()
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
    garbage: ObjectGarbage,
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
        removal(garbage, late).work_off()
    assert storage.exists(KEY)
    removal(garbage, storage).work_off()
    assert storage.exists(KEY)


def test_a_worker_whose_signatures_come_too_late_sends_nothing(
    connection: redis.Redis, garbage: ObjectGarbage, storage: Storage
) -> None:
    announced_ago(connection, 2 * KEPT_SECONDS * 1000)
    late = garbage.take(10, KEPT_SECONDS)
    stood_still = replace(late, at_ms=late.at_ms - (SIGNED_WITHIN_SECONDS + 5) * 1000)
    with pytest.raises(StorageUnavailable, match="clocks"):
        removal(garbage, storage).remove(stood_still)
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
        self.garbage = ObjectGarbage(connection)
        self.ready = 0  # clients that have announced, and sent missing files
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
        self.in_flight.append(self.garbage.take(10, KEPT_SECONDS))

    @precondition(lambda self: self.in_flight)
    @rule()
    def send(self) -> None:
        self.storage.send_deletes(self.storage.presigned_deletes(self.in_flight[0].keys, 60))

    @precondition(lambda self: self.in_flight)
    @rule()
    def forget(self) -> None:
        self.send()
        done = self.in_flight.pop(0)
        self.garbage.forget(done, done.keys)

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
        Removal(self.garbage, self.storage, KEPT_SECONDS).work_off()
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
