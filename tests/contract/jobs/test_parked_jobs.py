"""Jobs that a worker of an older version meets: they wait, and hold nobody up."""

from __future__ import annotations

import pytest
import redis

from shared.errors import RecordTooNew
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree, members
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    accept_batch,
    bulk,
    claimed,
    create,
    job_ids,
    request,
)

pytestmark = pytest.mark.usefixtures("older_worker")

NEWER = RECORD_VERSION + 1
PARKED = "sq:parked:normal"
WINDOW = 8


@pytest.fixture
def newer(store: JobStore, connection: redis.Redis) -> str:
    """Return a job that needs the next level, the first of three in its lane; its message is on its way."""
    job_id = create(store)
    connection.hset(f"sq:job:{job_id}", "needs", NEWER)
    return job_id


def meet(store: JobStore, job_id: str) -> None:
    with pytest.raises(RecordTooNew):
        store.claim(job_id, LEASE_SECONDS, "old-worker")


def test_an_older_worker_leaves_it_as_it_was_and_no_message_goes_round(
    store: JobStore, lanes: Lanes, connection: redis.Redis, newer: str
) -> None:
    others = store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    assert lanes.dispatch(Lane.NORMAL, WINDOW) == [newer, *others]
    before = store.get(newer)
    for _ in range(3):  # even if its message is delivered again
        meet(store, newer)
    assert store.get(newer) == before
    assert members(connection, PARKED) == [newer]
    lanes.unpark(Lane.NORMAL, RECORD_VERSION)
    assert lanes.dispatch(Lane.NORMAL, WINDOW) == []
    assert [claimed(store, other).job.id for other in others] == others
    assert_counters_agree(connection)


def test_it_waits_again_in_its_old_place_when_a_worker_understands_it(
    store: JobStore, lanes: Lanes, connection: redis.Redis, newer: str
) -> None:
    lanes.dispatch(Lane.NORMAL, WINDOW)
    meet(store, newer)
    (later,) = store.create(OWNER, [request()], MAX_ATTEMPTS)
    lanes.unpark(Lane.NORMAL, NEWER)
    assert lanes.dispatch(Lane.NORMAL, WINDOW) == [newer, later]
    claim = store.claim(newer, LEASE_SECONDS, "new-worker", record_version=NEWER)
    assert claim
    assert claim.job.attempt == 1
    assert_counters_agree(connection)


def test_a_message_too_many_parks_nothing_that_waits_in_the_store(
    store: JobStore, lanes: Lanes, connection: redis.Redis, newer: str
) -> None:
    meet(store, newer)
    assert members(connection, PARKED) == []
    assert lanes.dispatch(Lane.NORMAL, WINDOW) == [newer]


def test_a_parked_job_is_canceled_removed_and_expires_like_any_that_waits(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    canceled, deleted = (create(store) for _ in range(2))
    batch_id = accept_batch(batches, bulk(3))
    of_batch = job_ids(batch_id, 3)
    lanes.dispatch(Lane.NORMAL, WINDOW)
    lanes.dispatch(Lane.BULK, WINDOW)
    for job_id in (canceled, deleted, *of_batch):
        connection.hset(f"sq:job:{job_id}", "needs", NEWER)
        meet(store, job_id)
    assert store.look(canceled, OWNER).position is None
    assert store.cancel(canceled, OWNER).status is JobStatus.CANCELED
    store.delete(deleted, OWNER)
    assert_counters_agree(connection)
    batches.cancel(batch_id, OWNER)
    assert [store.get(job_id).status for job_id in of_batch] == [JobStatus.CANCELED] * 3
    assert members(connection, PARKED) == members(connection, "sq:parked:bulk") == []
    assert_counters_agree(connection)
