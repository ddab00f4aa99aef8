"""The contract of the store of batches, on a real Redis; after each test all counters agree."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest
import redis

from shared.errors import (
    BatchFinished,
    BatchInterrupted,
    BatchNotFinished,
    BatchNotFound,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    JobFinished,
    QueueFull,
    RequestError,
)
from shared.ids import job_id_of_line, line_of
from shared.policy.idempotency import Idempotency
from shared.policy.object_keys import results_key
from shared.policy.queue_limits import QueueLimits
from shared.store.batches import READING_LEASE_SECONDS, TAKEN_SECONDS, BatchStore
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.redis.scripts import Scripts
from shared.wire.batch_records import BATCH_FINAL, Batch, BatchError, BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, JobStatus
from tests.agreement import assert_counters_agree, keys, members
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    fail,
    finalize,
    in_line,
    job_ids,
    let_time_pass,
    meet_older_worker,
    read_batch,
    rejected,
    request,
    succeed,
    take,
)

ONCE = Idempotency.of(OWNER, "key", b"the request")
OTHER = Idempotency.of(OWNER, "key", b"another request")
WINDOW = 100
WHY = BatchError(code="storage-unavailable", detail="The storage does not answer")
OBJECTS = ("output", "errors")


pytestmark = pytest.mark.usefixtures("counters_agree")


def status_of(batches: BatchStore, batch_id: str, owner: str = OWNER) -> BatchStatus:
    return batches.look(batch_id, owner).batch.status


def counts_of(batches: BatchStore, batch_id: str) -> dict[str, int]:
    counts = batches.look(batch_id, OWNER).batch.counts
    return {status: number for status, number in counts.items() if number}


# --- reading and committing -----------------------------------------------------------------------


def test_no_job_of_a_batch_is_dispatched_before_the_commit_and_all_are_after_it(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, bulk(3))
    ids = job_ids(batch_id, 3)
    assert in_line(connection, Lane.BULK) == []
    assert [placed.position for placed in store.look_many(ids, OWNER)] == [None] * 3
    assert status_of(batches, batch_id) is BatchStatus.VALIDATING
    batches.commit(batch_id)
    assert status_of(batches, batch_id) is BatchStatus.RUNNING
    assert [placed.position for placed in store.look_many(ids, OWNER)] == [1, 2, 3]
    assert in_line(connection, Lane.BULK) == ids


def test_a_job_that_expires_or_is_canceled_or_deleted_while_its_batch_is_read_does_not_disturb_it(
    batches: BatchStore, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, [*bulk(3), request(start_within=60)])
    canceled, deleted, kept, expired = job_ids(batch_id, 4)
    store.cancel(canceled, OWNER)
    store.delete(deleted, OWNER)
    let_time_pass(connection, "deadlines")
    lanes.sweep(60, QUEUES)
    store.retry(canceled, OWNER)
    assert status_of(batches, batch_id) is BatchStatus.VALIDATING
    assert in_line(connection, Lane.BULK) == []
    batches.commit(batch_id)
    assert in_line(connection, Lane.BULK) == [canceled, kept]
    assert counts_of(batches, batch_id) == {"queued": 2, "expired": 1}
    assert store.get(expired).status is JobStatus.EXPIRED


def test_a_batch_whose_jobs_all_ended_while_it_was_read_ends_with_the_commit(
    batches: BatchStore, store: JobStore
) -> None:
    batch_id = read_batch(batches, bulk(1))
    store.cancel(job_id_of_line(batch_id, 1), OWNER)
    batches.commit(batch_id)
    finalize(batches)
    assert status_of(batches, batch_id) is BatchStatus.COMPLETED


def test_each_line_waits_in_its_own_lane(batches: BatchStore, connection: redis.Redis) -> None:
    batch_id = accept_batch(batches, [request(lane=lane) for lane in Lane])
    assert set(batches.look(batch_id, OWNER).last_positions.items()) == {(lane, 1) for lane in Lane}
    for lane, job_id in zip(Lane, job_ids(batch_id, len(Lane)), strict=True):
        assert in_line(connection, lane) == [job_id]


def test_the_counts_add_up_to_the_total_after_every_step(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id, ids = read_batch(batches), []

    def check(total: int, **counts: int) -> None:
        batch = batches.look(batch_id, OWNER).batch
        assert counts_of(batches, batch_id) == counts
        assert batch.total == sum(batch.counts.values()) == total
        assert_counters_agree(connection)

    check(0)
    for line in range(1, 7):
        batches.add(batch_id, OWNER, [(line, request(lane="bulk"))], MAX_ATTEMPTS, QueueLimits(10, 10))
        ids.append(job_id_of_line(batch_id, line))
        check(line, queued=line)
    batches.commit(batch_id)
    check(6, queued=6)
    claims = [claimed(store, job_id) for job_id in ids[:4]]
    check(6, queued=2, running=4)
    store.succeed(claims[0], RESULT)
    store.fail(claims[1], ERROR)
    check(6, queued=2, running=2, succeeded=1, failed=1)
    store.cancel(ids[2], OWNER)
    store.cancel(ids[5], OWNER)
    check(6, queued=1, running=1, succeeded=1, failed=1, canceling=1, canceled=1)
    store.release(claims[3], delay_seconds=60, counts=True)
    store.release(claims[2], counts=True)
    check(6, queued=2, succeeded=1, failed=1, canceled=2)
    store.retry(ids[1], OWNER)
    check(6, queued=3, succeeded=1, canceled=2)
    store.delete(ids[0], OWNER)
    check(5, queued=3, canceled=2)


def test_rejected_lines_are_counted_shown_from_the_first_and_all_read_back(batches: BatchStore) -> None:
    batch_id = read_batch(batches, bulk(1))
    for start in range(2, 502, 200):
        batches.reject(batch_id, [rejected(line) for line in range(start, min(start + 200, 502))])
    placed = batches.look(batch_id, OWNER)
    assert (placed.batch.rejected, placed.batch.total) == (500, 1)
    assert [line.line for line in placed.rejected_lines] == list(range(2, 102))
    assert [line.line for line in batches.rejected_lines(batch_id)] == list(range(2, 502))


def test_steps_that_are_sent_twice_because_their_answers_were_lost_do_their_work_once(
    batches: BatchStore, store: JobStore, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Scripts.run
    monkeypatch.setattr(Scripts, "run", lambda *arguments: (run(*arguments), run(*arguments))[1])
    batch_id = read_batch(batches, bulk(4), once=ONCE)
    batches.reject(batch_id, [rejected(5), rejected(6)])
    batches.commit(batch_id)
    assert batches.look(batch_id, OWNER).batch.rejected == 2
    assert [line.line for line in batches.rejected_lines(batch_id)] == [5, 6]
    assert counts_of(batches, batch_id) == {"queued": 4}
    succeeded, failed, *_ = job_ids(batch_id, 4)
    succeed(store, succeeded)
    fail(store, failed)
    assert len(batches.ended_jobs(batch_id, 0, 10)) == 2
    batches.cancel(batch_id, OWNER)
    assert counts_of(batches, batch_id) == {"succeeded": 1, "failed": 1, "canceled": 2}
    assert len(batches.ended_jobs(batch_id, 0, 10)) == 4
    batches.retry(batch_id, OWNER, [JobStatus.FAILED])
    assert counts_of(batches, batch_id) == {"succeeded": 1, "queued": 1, "canceled": 2}
    monkeypatch.undo()
    assert in_line(connection, Lane.BULK) == [failed]
    succeed(store, failed)
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    monkeypatch.setattr(Scripts, "run", lambda *arguments: (run(*arguments), run(*arguments))[1])
    batches.end(taken, "output", "errors")
    assert status_of(batches, batch_id) is BatchStatus.COMPLETED
    batches.discard(batch_id)
    with pytest.raises(BatchNotFound):
        batches.look(batch_id, OWNER)


def test_jobs_that_just_find_room_are_accepted_also_if_they_are_sent_twice(
    batches: BatchStore, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Scripts.run
    monkeypatch.setattr(Scripts, "run", lambda *arguments: (run(*arguments), run(*arguments))[1])
    limits = QueueLimits(of_owner=5, in_all=6)
    read_batch(batches, bulk(4), limits=limits)
    store.create(OWNER, bulk(1), MAX_ATTEMPTS, limits)
    store.create("bert", bulk(1), MAX_ATTEMPTS, limits)


def test_a_batch_is_found_by_its_owner_only(batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(1))
    steps: list[Callable[[str, str], object]] = [
        batches.look,
        batches.cancel,
        lambda batch, owner: batches.retry(batch, owner, [JobStatus.FAILED]),
    ]
    for unknown, owner in (("batch_0", OWNER), (batch_id, "bert")):
        for step in steps:
            with pytest.raises(BatchNotFound):
                step(unknown, owner)
    assert batches.look_many([batch_id], "bert") == []
    assert batches.page("bert", 10, None).ids == ()


# --- interrupted reading --------------------------------------------------------------------------


def test_a_batch_whose_reader_fell_silent_fails_and_its_jobs_are_removed(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, bulk(250))
    batches.reject(batch_id, [rejected(251)])
    batches.sweep()
    assert status_of(batches, batch_id) is BatchStatus.VALIDATING
    let_time_pass(connection, "validating")
    batches.sweep()
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.total, batch.rejected) == (BatchStatus.FAILED, 0, 1)
    assert batch.error is not None
    assert batch.error.code == "interrupted"
    assert store.page(OWNER, limit=10).jobs == ()
    assert in_line(connection, Lane.BULK) == []
    with pytest.raises(BatchInterrupted):
        batches.add(batch_id, OWNER, [(252, request())], MAX_ATTEMPTS, QueueLimits(9, 9))
    with pytest.raises(BatchInterrupted):
        batches.reject(batch_id, [rejected(252)])
    with pytest.raises(BatchInterrupted):
        batches.commit(batch_id)
    with pytest.raises(BatchFinished):
        batches.cancel(batch_id, OWNER)
    with pytest.raises(BatchNotFinished):
        batches.retry(batch_id, OWNER, [JobStatus.CANCELED])
    batches.discard(batch_id)
    assert keys(connection, f"*{batch_id}*") == []


@pytest.mark.parametrize("step", ["add", "reject"])
def test_whoever_goes_on_reading_keeps_the_lease(
    batches: BatchStore, connection: redis.Redis, step: str
) -> None:
    batch_id = read_batch(batches)
    let_time_pass(connection, "validating")
    if step == "add":
        batches.add(batch_id, OWNER, [(1, request())], MAX_ATTEMPTS, QueueLimits(9, 9))
    else:
        batches.reject(batch_id, [rejected(1)])
    batches.sweep()
    assert status_of(batches, batch_id) is BatchStatus.VALIDATING
    seconds, _ = connection.time()
    left = (connection.zscore("sq:validating", batch_id) or 0) / 1000 - seconds
    assert READING_LEASE_SECONDS - 5 < left <= READING_LEASE_SECONDS + 1


# --- the same request again -----------------------------------------------------------------------


def test_the_same_request_is_refused_while_it_is_read_and_answered_with_its_batch_after_that(
    batches: BatchStore,
) -> None:
    batch_id = read_batch(batches, bulk(1), once=ONCE)
    with pytest.raises(IdempotencyInProgress):
        batches.begin(OWNER, {}, ONCE)
    with pytest.raises(IdempotencyKeyReused):
        batches.begin(OWNER, {}, OTHER)
    batches.commit(batch_id)
    assert batches.begin(OWNER, {}, ONCE) == (batch_id, False)
    with pytest.raises(IdempotencyKeyReused):
        batches.begin(OWNER, {}, OTHER)
    assert batches.begin("bert", {}, Idempotency.of("bert", "key", b"the request"))[1]


def test_of_the_same_request_at_the_same_moment_one_is_read(batches: BatchStore) -> None:
    barrier, begun, busy = threading.Barrier(8), [], []

    def begin() -> None:
        barrier.wait()
        try:
            begun.append(batches.begin(OWNER, {}, ONCE))
        except IdempotencyInProgress as error:
            busy.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(begun), len(busy)) == (1, 7)
    assert len(batches.page(OWNER, 10, None).ids) == 1


@pytest.mark.parametrize("swept", [True, False])
def test_an_interrupted_request_may_be_sent_again_with_its_key(
    batches: BatchStore, store: JobStore, connection: redis.Redis, *, swept: bool
) -> None:
    interrupted = read_batch(batches, bulk(2), once=ONCE)
    let_time_pass(connection, "validating")
    if swept:
        batches.sweep()
    batch_id = read_batch(batches, bulk(2), once=ONCE)
    assert status_of(batches, interrupted) is BatchStatus.FAILED
    with pytest.raises(BatchInterrupted):
        batches.commit(interrupted)
    batches.commit(batch_id)
    batches.sweep()
    assert [placed.job_id for placed in store.page(OWNER, limit=10).jobs] == job_ids(batch_id, 2)[::-1]
    batches.discard(interrupted)
    assert batches.begin(OWNER, {}, ONCE) == (batch_id, False)


def test_a_discarded_request_may_be_sent_again_with_its_key(batches: BatchStore) -> None:
    batches.discard(read_batch(batches, bulk(2), once=ONCE))
    assert batches.begin(OWNER, {}, ONCE)[1]


# --- how much may wait ----------------------------------------------------------------------------


@pytest.mark.parametrize(("of_owner", "in_all", "named"), [(5, 99, "_per_owner"), (99, 7, "(max_queued)")])
def test_as_many_jobs_may_wait_as_the_limits_say_and_not_one_more(
    batches: BatchStore, store: JobStore, of_owner: int, in_all: int, named: str
) -> None:
    limits = QueueLimits(of_owner, in_all)
    store.create("bert", bulk(2), MAX_ATTEMPTS, limits)
    batch_id = read_batch(batches, bulk(3), limits=limits)
    with pytest.raises(QueueFull, match=r"5|7") as refusal:
        batches.add(batch_id, OWNER, list(enumerate(bulk(3), 4)), MAX_ATTEMPTS, limits)
    assert named in refusal.value.detail
    assert counts_of(batches, batch_id) == {"queued": 3}
    batches.add(batch_id, OWNER, list(enumerate(bulk(2), 4)), MAX_ATTEMPTS, limits)
    with pytest.raises(QueueFull):
        store.create(OWNER, bulk(1), MAX_ATTEMPTS, limits)
    claimed(store, create(store, "carl"))
    batches.commit(batch_id)
    claimed(store, job_id_of_line(batch_id, 1))
    create(store, "carl")
    store.create(OWNER, bulk(1), MAX_ATTEMPTS, QueueLimits(of_owner, 99))


def test_a_batch_that_is_refused_halfway_leaves_nothing(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    limits = QueueLimits(of_owner=3, in_all=9)
    create(store, lane="bulk")
    before = keys(connection, "*")
    batch_id = read_batch(batches, bulk(2), once=ONCE, limits=limits)
    batches.reject(batch_id, [rejected(3)])
    with pytest.raises(QueueFull):
        batches.add(batch_id, OWNER, [(4, request())], MAX_ATTEMPTS, limits)
    batches.discard(batch_id)
    assert keys(connection, "*") == before
    store.create(OWNER, bulk(2), MAX_ATTEMPTS, limits)


# --- cancel ---------------------------------------------------------------------------------------


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


def test_what_comes_back_to_a_batch_that_is_being_canceled_is_not_offered_again(
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


def test_what_is_tried_again_after_a_cancellation_is_not_caught_by_what_is_left_of_it(
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


# --- try again ------------------------------------------------------------------------------------


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
    store.succeed(claim, RESULT)
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


# --- results --------------------------------------------------------------------------------------


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
    assert batches.look(batch_id, OWNER).batch.seq == first.seq  # nothing new to be told
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
    batches.put_off(taken, 60, WHY, OBJECTS)  # of a worker that was late
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


def test_a_deleted_batch_leaves_no_key(
    batches: BatchStore, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    create(store, lane="bulk")  # so that the counters are there, and the owner's turn
    succeed(store, create(store))  # and the tallies
    before = keys(connection, "*")
    batch_id = read_batch(batches, [*bulk(203), request(lane="bulk", start_within=60)], once=ONCE)
    batches.reject(batch_id, [rejected(205)])
    batches.commit(batch_id)
    succeed(store, job_id_of_line(batch_id, 1))
    fail(store, job_id_of_line(batch_id, 2))
    batches.cancel(batch_id, OWNER)
    finalize(batches)
    doomed = batches.discard(batch_id)
    assert sorted(doomed) == sorted(members(connection, "sq:doomed"))
    ObjectGarbage(connection).forget_doomed(doomed)
    counted = ("sq:tallies", "sq:recent:")  # what happened
    assert [key for key in keys(connection, "*") if not key.startswith(counted)] == [
        key for key in before if not key.startswith(counted)
    ]


# --- pages ----------------------------------------------------------------------------------------


def test_the_jobs_of_a_batch_are_read_by_line_and_those_of_others_are_not(
    batches: BatchStore, store: JobStore
) -> None:
    earlier = accept_batch(batches, bulk(3))
    create(store)
    batch_id = accept_batch(batches, bulk(25))
    create(store)
    accept_batch(batches, bulk(3))
    accept_batch(batches, bulk(3), owner="bert")
    found: list[str] = []
    cursor = None
    while not found or cursor:
        page = store.page(OWNER, limit=10, cursor=cursor, batch_id=batch_id)
        found += [placed.job_id for placed in page.jobs]
        cursor = page.cursor
    assert found == job_ids(batch_id, 25)
    assert [line_of(job_id) for job_id in found] == list(range(1, 26))
    for strange in (job_id_of_line(earlier, 1), "", "job_"):
        page = store.page(OWNER, limit=100, cursor=strange, batch_id=batch_id)
        assert [placed.job_id for placed in page.jobs] == found
    succeed(store, found[7], found[3])
    page = store.page(OWNER, limit=10, status=JobStatus.SUCCEEDED, batch_id=batch_id)
    assert [placed.job_id for placed in page.jobs] == [found[3], found[7]]


def test_pages_give_every_batch_once_newest_first(batches: BatchStore) -> None:
    ids = [accept_batch(batches, bulk(1)) for _ in range(5)]
    accept_batch(batches, bulk(1), owner="bert")
    first = batches.page(OWNER, 3, None)
    rest = batches.page(OWNER, 3, first.cursor)
    assert first.ids + rest.ids == tuple(ids[::-1])
    assert rest.cursor is None
    assert [placed.batch.id for placed in batches.look_many(ids, OWNER)] == ids


def test_waiting_for_a_batch_ends_with_its_end(batches: BatchStore, store: JobStore) -> None:
    batch_id = accept_batch(batches, bulk(1))
    seq = batches.look(batch_id, OWNER).seq

    def work() -> None:
        succeed(store, *job_ids(batch_id, 1))
        finalize(batches)

    worker = threading.Timer(0.05, work)
    worker.start()
    assert batches.wait(batch_id, OWNER, seq, 20).seq > seq
    assert batches.wait(batch_id, OWNER, None, 20).batch.status is BatchStatus.COMPLETED
    worker.join()


# --- anything, in any order -----------------------------------------------------------------------


@dataclass
class Throng:
    """Clients and workers that take random steps."""

    connection: redis.Redis
    store: JobStore
    lanes: Lanes
    batches: BatchStore
    dice: Random
    reading: dict[str, str] = field(default_factory=dict)  # owners by batch
    lines: int = 0
    claims: list[Claim] = field(default_factory=list)
    finalizing: list[Batch] = field(default_factory=list)

    def act(self) -> None:
        """Take one step, which may be refused."""
        steps = {
            **{self.begin: 2, self.add: 5, self.reject: 1, self.commit: 2, self.submit: 2},
            **{self.dispatch: 2, self.undispatch: 1, self.claim: 3, self.take_next: 2, self.end_claim: 3},
            **{self.an_older_worker_comes_or_goes: 1},
            **{self.let_time_pass: 1, self.sweep: 1, self.take: 1, self.end: 1},
            **{self.wish_about_job: 2, self.wish_about_batch: 1, self.cancel_half: 1, self.discard: 1},
        }
        (step,) = self.dice.choices(list(steps), list(steps.values()))
        with suppress(RequestError):
            step()

    def owner(self) -> str:
        return self.dice.choice(["anna", "bert", "carl"])

    def lane(self) -> Lane:
        return self.dice.choice(list(Lane))

    def side(self) -> int:
        return self.dice.choice([64, 1024, 1024, 2048])

    def job(self) -> tuple[str, str] | None:
        """Return a random job and its owner."""
        found = keys(self.connection, "sq:job:*")
        if not found:
            return None
        job = self.store.get(self.dice.choice(found).removeprefix("sq:job:"))
        return job.id, job.owner

    def batch(self) -> tuple[str, str] | None:
        owner = self.owner()
        ids = self.batches.page(owner, 100, None).ids
        return (self.dice.choice(ids), owner) if ids else None

    def begin(self) -> None:
        owner = self.owner()
        batch_id, _ = self.batches.begin(owner, {}, None)
        self.reading[batch_id] = owner

    def add(self) -> None:
        if self.reading:
            batch_id = self.dice.choice(list(self.reading))
            number = self.dice.randint(1, 4)
            jobs = [
                (
                    self.lines + line,
                    request(lane=self.lane(), start_within=self.dice.choice([None, 60]), side=self.side()),
                )
                for line in range(1, number + 1)
            ]
            self.lines += number
            limits = QueueLimits(of_owner=30, in_all=60)
            self.batches.add(batch_id, self.reading[batch_id], jobs, MAX_ATTEMPTS, limits)

    def reject(self) -> None:
        if self.reading:
            self.lines += 1
            self.batches.reject(self.dice.choice(list(self.reading)), [rejected(self.lines)])

    def commit(self) -> None:
        if self.reading:
            batch_id = self.dice.choice(list(self.reading))
            del self.reading[batch_id]
            self.batches.commit(batch_id)

    def submit(self) -> None:
        attempts = self.dice.randint(1, 2)
        create(self.store, self.owner(), lane=self.lane(), side=self.side(), max_attempts=attempts)

    def dispatch(self) -> None:
        self.lanes.dispatch(self.lane(), self.dice.randint(1, 8))

    def undispatch(self) -> None:
        ids = self.lanes.dispatch(self.lane(), 8)
        if ids:
            self.lanes.undispatch(ids)

    def claim(self) -> None:
        sent = [job_id for lane in Lane for job_id in self.connection.zrange(f"sq:dispatched:{lane}", 0, -1)]
        if sent:
            claim = self.store.claim(str(self.dice.choice(sent)), LEASE_SECONDS)
            self.claims += [claim] if claim else []

    def take_next(self) -> None:
        claim = take(self.store, self.lane())
        self.claims += [claim] if claim else []

    def an_older_worker_comes_or_goes(self) -> None:
        if not self.connection.zrem("sq:workers", "older"):
            meet_older_worker(self.connection)

    def end_claim(self) -> None:
        if self.claims:
            claim = self.claims.pop(self.dice.randrange(len(self.claims)))
            match self.dice.randrange(5):
                case 0:
                    self.store.succeed(claim, RESULT)
                case 1:
                    self.store.fail(claim, ERROR)
                case 2:
                    self.store.release(claim, counts=False)
                case 3:
                    self.store.release(claim, delay_seconds=60, counts=True)
                case _:
                    pass  # the worker was killed

    def let_time_pass(self) -> None:
        kinds = ["leases", "leases", "scheduled", "deadlines", "validating", "finalizing"]
        let_time_pass(self.connection, self.dice.choice(kinds))

    def sweep(self) -> None:
        self.lanes.sweep(0, QUEUES)
        self.batches.sweep()

    def wish_about_job(self) -> None:
        found = self.job()
        if found:
            self.dice.choice(
                [self.store.cancel, self.store.retry, self.store.retry, self.store.retry, self.store.delete]
            )(*found)

    def wish_about_batch(self) -> None:
        found = self.batch()
        if found:
            statuses = self.dice.sample([JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED], 2)
            if self.dice.random() < 0.5:
                self.batches.cancel(*found)
            else:
                self.batches.retry(*found, statuses)

    def cancel_half(self) -> None:
        found = self.batch()
        if found:
            scripts = Scripts(self.connection, ["cancel_batch", "cancel_jobs"])
            scripts.run("cancel_batch", *found)
            scripts.run("cancel_jobs", found[0], 2)

    def take(self) -> None:
        batch = self.batches.take_finalizing(LEASE_SECONDS)
        self.finalizing += [batch] if batch else []

    def end(self) -> None:
        if self.finalizing:
            batch = self.finalizing.pop(0)
            if self.dice.random() < 0.5:
                self.batches.end(batch, *OBJECTS)
            else:
                self.batches.put_off(batch, 0, WHY, OBJECTS)

    def discard(self) -> None:
        found = self.batch()
        if found and self.batches.look(*found).batch.status in {*BATCH_FINAL, BatchStatus.FINALIZING}:
            self.batches.discard(found[0])

    def work_on_all(self) -> None:
        """Let workers finish all that is left, after the readers of batches have gone."""
        for kind in ("validating", "leases", "scheduled", "finalizing"):
            let_time_pass(self.connection, kind)
        self.sweep()
        for lane in Lane:
            for job_id in self.connection.zrange(f"sq:dispatched:{lane}", 0, -1):
                succeed(self.store, str(job_id))
            self.lanes.dispatch(lane, 1000)
            while claim := take(self.store, lane):
                self.store.succeed(claim, RESULT)
        finalize(self.batches)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_in_whatever_order_all_counters_agree_and_everything_comes_to_its_end(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore, seed: int
) -> None:
    throng = Throng(connection, store, lanes, batches, Random(seed))
    for _ in range(200):
        throng.act()
        assert_counters_agree(connection)
    for _ in range(4):  # a job that was lost needs another round
        throng.work_on_all()
        assert_counters_agree(connection)
    jobs = [store.get(key.removeprefix("sq:job:")) for key in keys(connection, "sq:job:*")]
    assert len(jobs) > 10
    assert {job.status for job in jobs} <= FINAL
    for owner in ("anna", "bert", "carl"):
        for batch_id in batches.page(owner, 100, None).ids:
            assert status_of(batches, batch_id, owner) in BATCH_FINAL
    left = (
        "line:*",
        "costs:*",
        "dear:*",
        "batchline:*",
        "scheduled:*",
        "dispatched:*",
        "leases",
        "deadlines",
        "turns:*",
    )
    for lane in Lane:
        lanes.dispatch(lane, WINDOW)
    assert [key for kind in left for key in keys(connection, "sq:" + kind)] == []
