"""Batches that are paused, resumed, and moved before others; failures by code."""

from __future__ import annotations

import pytest
import redis

from shared.request_errors import BatchFinished, BatchNotFinished, BatchNotFound, InvalidParameter
from shared.store import batch_reader
from shared.store.batches import JOBS_PER_STEP, BatchStore
from shared.store.jobs import JobStore
from shared.wire.descriptors import Lane
from tests.checks.agreement import assert_counters_agree
from tests.jobs import (
    ERROR,
    OWNER,
    accept_batch,
    bulk,
    claimed,
    create,
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    next_millisecond,
    read_batch,
    succeed,
    take,
)

pytestmark = pytest.mark.usefixtures("counters_agree")

OTHER = ERROR.model_copy(update={"code": "source-not-found"})


def test_no_job_of_a_paused_batch_starts_until_it_is_resumed(store: JobStore, batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(3))
    running = take(store, Lane.BULK)
    assert running is not None
    for _ in range(2):
        batches.steer(batch_id, OWNER, "pause")
    assert take(store, Lane.BULK) is None
    store.release(running, counts=False)
    assert take(store, Lane.BULK) is None
    paused = batches.look(batch_id, OWNER)
    assert paused.batch.paused_at is not None
    assert paused.last_positions == {}
    for _ in range(2):
        batches.steer(batch_id, OWNER, "resume")
    assert batches.look(batch_id, OWNER).batch.paused_at is None
    started = [take(store, Lane.BULK) for _ in range(3)]
    assert [claim and claim.job.id for claim in started] == job_ids(batch_id, 3)


def test_a_retried_job_of_a_paused_batch_waits_too(store: JobStore, batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(2))
    first, second = job_ids(batch_id, 2)
    fail(store, first)
    batches.steer(batch_id, OWNER, "pause")
    store.retry(first, OWNER)
    assert take(store, Lane.BULK) is None
    batches.cancel(batch_id, OWNER)
    assert [store.get(each).status for each in (first, second)] == ["canceled", "canceled"]


def test_a_batch_goes_before_the_owners_other_jobs_and_not_before_other_owners(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    single = create(store, lane=Lane.BULK)
    next_millisecond(connection)
    early, late = accept_batch(batches, bulk(2)), accept_batch(batches, bulk(2))
    other = create(store, "bert", lane=Lane.BULK)
    batches.steer(late, OWNER, "first")
    order = in_line(connection, Lane.BULK)
    assert [each for each in order if each != other] == [*job_ids(late, 2), single, *job_ids(early, 2)]
    assert order.index(other) == 1
    batches.steer(early, OWNER, "first")
    mine = [each for each in in_line(connection, Lane.BULK) if each != other]
    assert mine == [*job_ids(early, 2), *job_ids(late, 2), single]


def test_only_a_running_batch_of_the_owner_is_steered(store: JobStore, batches: BatchStore) -> None:
    reading, canceled, done = (
        read_batch(batches),
        accept_batch(batches, bulk(1)),
        accept_batch(batches, bulk(1)),
    )
    succeed(store, *job_ids(done, 1))
    finalize(batches)
    claim = claimed(store, *job_ids(canceled, 1))
    batches.cancel(canceled, OWNER)
    for batch_id, error in ((reading, BatchNotFinished), (canceled, BatchFinished), (done, BatchFinished)):
        with pytest.raises(error):
            batches.steer(batch_id, OWNER, "pause")
    with pytest.raises(BatchNotFound):
        batches.steer(done, "bert", "first")
    store.release(claim, counts=False)


def test_failures_are_counted_by_code_page_by_page(
    store: JobStore, batches: BatchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_reader, "FAILURES_PER_PAGE", 2)
    batch_id = accept_batch(batches, bulk(4))
    first, second, third, _ = job_ids(batch_id, 4)
    fail(store, first, third, create(store))
    end_job(store, claimed(store, second), OTHER)
    page = batches.failures(batch_id, OWNER, None)
    assert (page.by_code, page.next_cursor) == ({ERROR.code: 1, OTHER.code: 1}, second)
    last = batches.failures(batch_id, OWNER, page.next_cursor)
    assert (last.by_code, last.next_cursor) == ({ERROR.code: 1}, None)
    with pytest.raises(BatchNotFound):
        batches.failures(batch_id, "bert", None)


def test_waiting_jobs_move_to_another_lane_in_their_order_and_others_keep_theirs(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(2 * JOBS_PER_STEP + 3))
    ids = job_ids(batch_id, 2 * JOBS_PER_STEP + 3)
    running, delayed, ended = take(store, Lane.BULK), take(store, Lane.BULK), take(store, Lane.BULK)
    assert running is not None
    assert delayed is not None
    assert ended is not None
    store.release(delayed, delay_seconds=60, counts=False)
    end_job(store, ended, ERROR)
    assert not batches.move(batch_id, OWNER, Lane.HIGH, 0)
    assert batches.look(batch_id, OWNER).batch.moving_to is Lane.HIGH
    assert_counters_agree(connection)
    for _ in range(2):
        batches.sweep()
        assert batches.look(batch_id, OWNER).batch.moving_to is None
    assert in_line(connection, Lane.HIGH) == ids[3:]
    assert connection.zrange("sq:scheduled:high", 0, -1) == [delayed.job.id]
    assert [store.get(job_id).lane for job_id in ids[:4]] == [Lane.BULK, Lane.HIGH, Lane.BULK, Lane.HIGH]
    started = [take(store, Lane.HIGH) for _ in range(3)]
    assert [claim and claim.job.id for claim in started] == ids[3:6]
    assert take(store, Lane.BULK) is None


def test_a_moved_job_is_a_change_that_its_reader_sees(store: JobStore, batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(1))
    (job_id,) = job_ids(batch_id, 1)
    before, batch_before = store.get(job_id).seq, batches.look(batch_id, OWNER).seq
    batches.move(batch_id, OWNER, Lane.NORMAL)
    assert store.get(job_id).seq == before + 1
    assert batches.look(batch_id, OWNER).seq > batch_before


def test_a_later_move_overrules_one_that_is_not_done_and_the_lanes_do_not_mix(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(JOBS_PER_STEP + 1))
    assert not batches.move(batch_id, OWNER, Lane.HIGH, 0)
    assert batches.move(batch_id, OWNER, Lane.NORMAL)
    assert in_line(connection, Lane.NORMAL) == job_ids(batch_id, JOBS_PER_STEP + 1)
    assert (in_line(connection, Lane.HIGH), in_line(connection, Lane.BULK)) == ([], [])


def test_a_paused_or_canceled_batch_starts_nothing_in_its_new_lane(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    paused, canceled = (accept_batch(batches, bulk(JOBS_PER_STEP + 1)) for _ in range(2))
    batches.steer(paused, OWNER, "pause")
    assert batches.move(paused, OWNER, Lane.HIGH)
    assert not batches.move(canceled, OWNER, Lane.HIGH, 0)
    batches.cancel(canceled, OWNER)
    assert take(store, Lane.HIGH) is None
    batches.sweep()
    assert connection.smembers("sq:moving") == set()
    batches.steer(paused, OWNER, "resume")
    assert take(store, Lane.HIGH) is not None


def test_jobs_of_the_method_optimize_keep_their_lane(batches: BatchStore) -> None:
    batch_id = accept_batch(batches, bulk(1, lane=Lane.OPTIMIZE))
    for lane in (Lane.BULK, Lane.OPTIMIZE):
        with pytest.raises(InvalidParameter) as refusal:
            batches.move(batch_id, OWNER, lane)
        assert refusal.value.pointer == "/lane"


def test_only_a_running_batch_of_its_owner_moves(store: JobStore, batches: BatchStore) -> None:
    reading = read_batch(batches, bulk(1))
    with pytest.raises(BatchNotFinished):
        batches.move(reading, OWNER, Lane.HIGH)
    batches.commit(reading)
    with pytest.raises(BatchNotFound):
        batches.move(reading, "other", Lane.HIGH)
    succeed(store, *job_ids(reading, 1))
    with pytest.raises(BatchFinished):
        batches.move(reading, OWNER, Lane.HIGH)
