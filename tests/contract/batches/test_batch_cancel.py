"""Cancelling and retrying batches, on a real Redis; after each test all counters agree."""

from __future__ import annotations

import pytest
import redis

from shared.request_errors import BatchFinished, BatchNotFinished, BatchNotFound, JobFinished
from shared.store.batches import JOBS_PER_STEP, BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.scripts import Scripts
from shared.wire.batch_records import BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree, keys
from tests.contract.batches.batch_steps import ONCE, counts_of, status_of
from tests.jobs import (
    LEASE_SECONDS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    let_time_pass,
    meet_older_worker,
    read_batch,
    succeed,
    take,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


def test_cancel_ends_what_waits_at_once_and_what_runs_through_its_worker(
    batches: BatchStore, store: JobStore, lanes: Lanes
) -> None:
    batch_id = accept_batch(batches, bulk(250))
    ended, running, delayed, *_ = job_ids(batch_id, 250)
    assert len(lanes.dispatch(Lane.BULK, 20)) == 20
    succeed(store, ended)
    store.release(claimed(store, delayed), delay_seconds=60, counts=True)
    claim = claimed(store, running)
    batches.cancel(batch_id, OWNER)
    assert counts_of(batches, batch_id) == {"succeeded": 1, "canceling": 1, "canceled": 248}
    assert batches.look(batch_id, OWNER).batch.cancel_requested_at is not None
    assert status_of(batches, batch_id) is BatchStatus.RUNNING
    batches.cancel(batch_id, OWNER)
    assert store.renew([claim], LEASE_SECONDS) == {running}
    store.release(claim, counts=False)
    finalize(batches)
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.finished) == (BatchStatus.CANCELED, True)
    with pytest.raises(BatchFinished, match="canceled"):
        batches.cancel(batch_id, OWNER)


def test_a_batch_that_is_being_read_is_not_canceled(batches: BatchStore) -> None:
    batch_id = read_batch(batches, bulk(1))
    with pytest.raises(BatchNotFinished):
        batches.cancel(batch_id, OWNER)
    batches.commit(batch_id)


def test_a_message_that_arrives_after_the_cancel_and_before_its_job_was_reached_starts_nothing(
    batches: BatchStore, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    sent, waiting = job_ids(batch_id, 2)
    meet_older_worker(connection)
    assert lanes.dispatch(Lane.BULK, 1) == [sent]
    Scripts(connection, ["cancel_batch"]).run("cancel_batch", batch_id, OWNER)
    assert store.claim(sent, LEASE_SECONDS) is None
    assert store.get(sent).status is JobStatus.CANCELED
    assert in_line(connection, Lane.BULK) == []
    assert store.look(waiting, OWNER).position is None
    batches.sweep()
    assert counts_of(batches, batch_id) == {"canceled": 2}


def half_canceled(batches: BatchStore, connection: redis.Redis, number: int) -> str:
    """Return a batch whose cancellation was interrupted after half of its jobs."""
    batch_id = accept_batch(batches, bulk(number))
    scripts = Scripts(connection, ["cancel_batch", "cancel_jobs"])
    scripts.run("cancel_batch", batch_id, OWNER)
    assert scripts.run("cancel_jobs", batch_id, number // 2) == 1
    return batch_id


def test_a_cancellation_that_was_interrupted_halfway_is_finished_by_the_sweep(
    batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = half_canceled(batches, connection, 500)
    assert counts_of(batches, batch_id) == {"canceled": 250, "queued": 250}
    assert_counters_agree(connection)
    batches.sweep()
    assert counts_of(batches, batch_id) == {"canceled": 500}
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.CANCELED


def test_jobs_that_return_to_a_batch_under_cancellation_are_not_offered_again(
    batches: BatchStore, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(4))
    given_back, delayed, lost, sent = job_ids(batch_id, 4)
    store.release(claimed(store, delayed), delay_seconds=60, counts=True)
    claim = claimed(store, given_back)
    claimed(store, lost)
    assert in_line(connection, Lane.BULK) == [sent]
    Scripts(connection, ["cancel_batch"]).run("cancel_batch", batch_id, OWNER)
    store.release(claim, counts=True)
    lanes.undispatch([sent])
    for kind in ("leases", "scheduled"):
        let_time_pass(connection, kind)
    lanes.sweep(60, QUEUES)
    assert in_line(connection, Lane.BULK) == []
    assert counts_of(batches, batch_id) == {"queued": 4}
    assert_counters_agree(connection)
    batches.sweep()
    assert counts_of(batches, batch_id) == {"canceled": 4}


def test_a_retry_after_a_cancellation_is_not_caught_by_the_rest_of_it(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = half_canceled(batches, connection, 4)
    for job_id in job_ids(batch_id, 4)[2:]:
        assert store.claim(job_id, LEASE_SECONDS) is None
    assert status_of(batches, batch_id) is BatchStatus.FINALIZING
    assert batches.retry(batch_id, OWNER, [JobStatus.CANCELED]) == 4
    batches.sweep()
    assert in_line(connection, Lane.BULK) == job_ids(batch_id, 4)


def test_a_canceled_batch_can_be_deleted_before_the_last_of_its_cancellation(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = half_canceled(batches, connection, 4)
    for job_id in job_ids(batch_id, 4)[2:]:
        store.claim(job_id, LEASE_SECONDS)
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.CANCELED
    batches.discard(batch_id)
    batches.sweep()
    assert keys(connection, f"*{batch_id}*") == []


def test_trying_again_what_failed_reopens_a_completed_batch_which_ends_again(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(4))
    one, two, three, four = job_ids(batch_id, 4)
    succeed(store, two)
    fail(store, three, one)
    store.cancel(four, OWNER)
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.COMPLETED
    assert batches.retry(batch_id, OWNER, [JobStatus.FAILED]) == 2
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.finished_at, batch.output_key) == (BatchStatus.RUNNING, None, None)
    assert in_line(connection, Lane.BULK) == [one, three]
    succeed(store, one)
    fail(store, three)
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.COMPLETED
    assert counts_of(batches, batch_id) == {"succeeded": 2, "failed": 1, "canceled": 1}
    assert batches.ended_jobs(batch_id, 0, 10) == [two, three, one, four, one, three]
    assert batches.retry(batch_id, OWNER, [JobStatus.FAILED, JobStatus.CANCELED]) == 2


def test_trying_again_walks_through_a_long_batch(batches: BatchStore, store: JobStore) -> None:
    batch_id = accept_batch(batches, bulk(401))
    batches.cancel(batch_id, OWNER)
    assert batches.retry(batch_id, OWNER, [JobStatus.CANCELED]) == 401
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.cancel_requested_at) == (BatchStatus.RUNNING, None)
    assert counts_of(batches, batch_id) == {"queued": 401}


def test_nothing_is_tried_again_while_the_batch_is_read_or_canceled(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = read_batch(batches, bulk(2))
    running, waiting = job_ids(batch_id, 2)
    with pytest.raises(BatchNotFinished):
        batches.retry(batch_id, OWNER, [JobStatus.CANCELED])
    batches.commit(batch_id)
    claim = claimed(store, running)
    batches.cancel(batch_id, OWNER)
    with pytest.raises(BatchNotFinished):
        batches.retry(batch_id, OWNER, [JobStatus.CANCELED])
    with pytest.raises(JobFinished, match="being canceled"):
        store.retry(waiting, OWNER)
    end_job(store, claim, RESULT)
    assert store.retry(waiting, OWNER).status is JobStatus.QUEUED
    assert status_of(batches, batch_id) is BatchStatus.RUNNING


def test_a_single_jobs_retry_reopens_its_batch(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    failed, other = job_ids(batch_id, 2)
    fail(store, failed)
    succeed(store, other)
    finalize(batches)
    store.retry(failed, OWNER)
    assert status_of(batches, batch_id) is BatchStatus.RUNNING
    assert in_line(connection, Lane.BULK) == [failed]
    succeed(store, failed)
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.COMPLETED


def test_after_its_time_a_cancellation_is_left_to_the_sweep_and_no_job_starts_meanwhile(
    store: JobStore, batches: BatchStore
) -> None:
    number = 2 * JOBS_PER_STEP + 1
    batch_id = accept_batch(batches, bulk(number))
    assert not batches.cancel(batch_id, OWNER, 0)
    assert counts_of(batches, batch_id) == {"canceled": JOBS_PER_STEP, "queued": JOBS_PER_STEP + 1}
    assert take(store, Lane.BULK) is None
    assert store.claim(job_ids(batch_id, number)[-1], LEASE_SECONDS) is None
    batches.sweep()
    assert counts_of(batches, batch_id) == {"canceled": number}


def test_a_deleted_batch_is_gone_at_once_and_its_jobs_by_and_by(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    number = 2 * JOBS_PER_STEP + 1
    batch_id = read_batch(batches, bulk(number), once=ONCE)
    batches.commit(batch_id)
    batches.cancel(batch_id, OWNER)
    orphans, removed = batches.delete(batch_id, OWNER, 0)
    assert (orphans, removed) == ([], False)
    assert_counters_agree(connection)
    for look in (batches.look, batches.delete):
        with pytest.raises(BatchNotFound):
            look(batch_id, OWNER)
    with pytest.raises(BatchNotFound):
        batches.owner_of(batch_id)
    assert batches.page(OWNER, 10, None).ids == ()
    assert batches.take_finalizing(LEASE_SECONDS) is None
    with pytest.raises(JobFinished):
        store.retry(job_ids(batch_id, number)[-1], OWNER)
    assert batches.begin(OWNER, {}, ONCE)[1], "the key makes a new batch"
    batches.sweep()
    assert keys(connection, "sq:job:*") == []
    assert not connection.exists(f"sq:batch:{batch_id}")


def test_a_batch_whose_jobs_have_not_ended_is_not_deleted(batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(1))
    with pytest.raises(BatchNotFinished, match="cancel it"):
        batches.delete(batch_id, OWNER)
    with pytest.raises(BatchNotFound):
        batches.delete(batch_id, "other")


def test_a_failed_batch_that_its_owner_deleted_leaves_no_record(
    batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, bulk(JOBS_PER_STEP + 1))
    let_time_pass(connection, "validating")
    Scripts(connection, ["sweep_batches"]).run("sweep_batches")
    assert batches.delete(batch_id, OWNER, 0) == ([], False)
    batches.sweep()
    assert (keys(connection, "sq:job:*"), connection.exists(f"sq:batch:{batch_id}")) == ([], 0)
