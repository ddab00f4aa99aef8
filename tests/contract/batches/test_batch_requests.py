"""Requests for batches that are repeated, interrupted or refused, on a real Redis."""

from __future__ import annotations

import threading

import pytest
import redis

from shared.ids import job_id_of_line
from shared.policy.idempotency import Idempotency
from shared.policy.queue_limits import QueueLimits
from shared.request_errors import BatchInterrupted, IdempotencyInProgress, IdempotencyKeyReused, QueueFull
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.batch_records import BatchStatus
from tests.checks.agreement import keys
from tests.contract.batches.batch_steps import ONCE, counts_of, status_of
from tests.jobs import (
    MAX_ATTEMPTS,
    OWNER,
    bulk,
    claimed,
    create,
    job_ids,
    let_time_pass,
    read_batch,
    rejected,
    request,
)

OTHER = Idempotency.of(OWNER, "key", b"another request")


pytestmark = pytest.mark.usefixtures("counters_agree")


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


def test_one_of_several_simultaneous_equal_requests_is_read(batches: BatchStore) -> None:
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
