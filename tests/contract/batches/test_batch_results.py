"""The end of a batch and its results, on a real Redis; after each test all counters agree."""

from __future__ import annotations

import pytest
import redis

from shared.policy.object_keys import results_key
from shared.request_errors import BatchFinished
from shared.store.batches import TAKEN_SECONDS, BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.redis.scripts import Scripts
from shared.wire.batch_records import BatchStatus
from tests.checks.agreement import keys, members
from tests.contract.batches.batch_steps import OBJECTS, WHY, status_of
from tests.jobs import (
    LEASE_SECONDS,
    OWNER,
    RESULT,
    accept_batch,
    bulk,
    fail,
    finalize,
    job_ids,
    let_time_pass,
    succeed,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


def test_a_batch_ends_when_the_last_of_its_waiting_jobs_is_deleted(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    succeeded, deleted = job_ids(batch_id, 2)
    succeed(store, succeeded)
    store.delete(deleted, OWNER)
    finalize(batches)
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.total) == (BatchStatus.COMPLETED, 1)


def test_results_are_written_by_one_at_a_time_and_by_another_when_the_lease_has_ended(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    assert batches.take_finalizing(LEASE_SECONDS) is None
    succeed(store, *job_ids(batch_id, 1))
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    assert (taken.id, taken.status) == (batch_id, BatchStatus.FINALIZING)
    assert batches.take_finalizing(LEASE_SECONDS) is None
    let_time_pass(connection, "finalizing")
    again = batches.take_finalizing(LEASE_SECONDS)
    assert again == taken
    assert batches.end(again, "output", "errors")
    assert not batches.end(taken, "output", "errors")
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.output_key, batch.errors_key) == ("completed", "output", "errors")
    assert batches.take_finalizing(LEASE_SECONDS) is None


def test_a_batch_that_was_taken_by_a_request_without_a_hearer_is_free_again_within_seconds(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    def seconds_until_free() -> float:
        milliseconds = connection.zscore("sq:finalizing", batch_id)
        seconds, microseconds = connection.time()
        return (milliseconds or 0) / 1000 - seconds - microseconds / 1e6

    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    Scripts(connection, ["lease_finalizing"]).run("lease_finalizing", TAKEN_SECONDS * 1000)
    assert 0 < seconds_until_free() <= TAKEN_SECONDS
    let_time_pass(connection, "finalizing")
    assert batches.take_finalizing(LEASE_SECONDS) is not None
    assert seconds_until_free() > TAKEN_SECONDS


def test_results_that_a_change_has_made_old_do_not_end_the_batch(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    failed, deleted = job_ids(batch_id, 2)
    fail(store, failed)
    succeed(store, deleted)
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    store.delete(deleted, OWNER)
    assert not batches.end(taken, "output", "errors")
    taken = batches.take_finalizing(LEASE_SECONDS)  # at once, and not when the lease has ended
    assert taken is not None
    store.retry(failed, OWNER)
    assert not batches.end(taken, "output", "errors")
    assert status_of(batches, batch_id) is BatchStatus.RUNNING
    assert batches.take_finalizing(LEASE_SECONDS) is None


def test_a_batch_whose_results_cannot_be_written_says_why_until_they_are(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    batches.put_off(taken, 60, WHY, OBJECTS)
    first = batches.look(batch_id, OWNER).batch
    assert (first.status, first.error, first.finished) == (BatchStatus.FINALIZING, WHY, False)
    assert first.seq > taken.seq
    batches.put_off(taken, 60, WHY, OBJECTS)
    assert batches.look(batch_id, OWNER).batch.seq == first.seq  # nothing new to report
    assert batches.take_finalizing(LEASE_SECONDS) is None
    let_time_pass(connection, "finalizing")
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    assert batches.end(taken, *OBJECTS)
    ended = batches.look(batch_id, OWNER).batch
    assert (ended.status, ended.error, ended.output_key) == (BatchStatus.COMPLETED, None, OBJECTS[0])


def test_a_batch_that_runs_again_does_not_say_why_its_results_could_not_be_written(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    (job_id,) = job_ids(batch_id, 1)
    fail(store, job_id)
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    batches.put_off(taken, 60, WHY, OBJECTS)
    store.retry(job_id, OWNER)
    batches.put_off(taken, 60, WHY, OBJECTS)  # from a late worker
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.error) == (BatchStatus.RUNNING, None)
    assert batches.take_finalizing(LEASE_SECONDS) is None


def test_a_cancel_ends_a_batch_whose_results_cannot_be_written_and_waits_for_those_that_can(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    batches.cancel(batch_id, OWNER)
    assert status_of(batches, batch_id) is BatchStatus.FINALIZING
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    batches.put_off(taken, 0, WHY, OBJECTS)
    batches.cancel(batch_id, OWNER)
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.error, batch.output_key) == (BatchStatus.CANCELED, None, None)
    assert batches.take_finalizing(LEASE_SECONDS) is None
    assert not batches.end(taken, *OBJECTS)
    with pytest.raises(BatchFinished):
        batches.cancel(batch_id, OWNER)
    assert sorted(batches.discard(batch_id)) == sorted(
        [RESULT.key, *(results_key(OWNER, batch_id, name) for name in ("output", "errors"))]
    )


def test_the_objects_of_a_batch_that_was_removed_while_they_were_written_go_too(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    ObjectGarbage(connection).forget_doomed(batches.discard(batch_id, asked=True))
    batches.put_off(taken, 0, WHY, OBJECTS)
    assert sorted(members(connection, "sq:doomed")) == sorted(OBJECTS)
    assert keys(connection, f"*{batch_id}*") == []


def test_ended_jobs_come_in_the_order_in_which_they_ended_behind_the_ones_asked_for(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(5))
    ids = job_ids(batch_id, 5)
    order = [ids[3], ids[0], ids[4], ids[1]]
    succeed(store, *order)
    assert batches.ended_jobs(batch_id, 0, 10) == order
    assert batches.ended_jobs(batch_id, 1, 2) == order[1:3]
    assert batches.ended_jobs(batch_id, 4, 10) == []
