"""The contract of the store of batches, on a real Redis; after each test all counters agree."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis

from shared.ids import job_id_of_line, line_of
from shared.policy.queue_limits import QueueLimits
from shared.request_errors import BatchFinished, BatchInterrupted, BatchNotFinished, BatchNotFound
from shared.store.batches import READING_LEASE_SECONDS, BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.redis.scripts import Scripts
from shared.wire.batch_records import BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree, keys, members
from tests.contract.batches.batch_steps import ONCE, counts_of, status_of
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
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    let_time_pass,
    read_batch,
    rejected,
    request,
    succeed,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


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
    end_job(store, claims[0], RESULT)
    end_job(store, claims[1], ERROR)
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
def test_a_reader_that_goes_on_keeps_the_lease(
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


# --- deletion -------------------------------------------------------------------------------------


def test_a_deleted_batch_leaves_no_key(
    batches: BatchStore, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    create(store, lane="bulk")  # so that the counters and the owner's turn exist
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
        page = store.page(OWNER, JobFilter(batch_id=batch_id), limit=10, cursor=cursor)
        found += [placed.job_id for placed in page.jobs]
        cursor = page.cursor
    assert found == job_ids(batch_id, 25)
    assert [line_of(job_id) for job_id in found] == list(range(1, 26))
    for strange in (job_id_of_line(earlier, 1), "", "job_"):
        page = store.page(OWNER, JobFilter(batch_id=batch_id), limit=100, cursor=strange)
        assert [placed.job_id for placed in page.jobs] == found
    succeed(store, found[7], found[3])
    page = store.page(OWNER, JobFilter(status=JobStatus.SUCCEEDED, batch_id=batch_id), limit=10)
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
