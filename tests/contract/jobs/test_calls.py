"""Messages that name no job: each starts the next job at the moment when it is answered."""

from __future__ import annotations

import pytest
import redis

from shared.errors import MustRunAlone, QueueUnavailable
from shared.store.batches import BatchStore
from shared.store.jobs import Ending, JobStore
from shared.store.lanes import Lanes, jobs_called_by
from shared.store.redis.scripts import pairs
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
from shared.wire.records import JobStatus
from tests.checks.agreement import members
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    in_line,
    job_ids,
    let_time_pass,
    next_millisecond,
    now_ms,
    request,
    succeed,
    take,
    worker_info,
)

pytestmark = pytest.mark.usefixtures("counters_agree")

NORMAL = Lane.NORMAL
CALLS = "sq:calls:normal"


def test_a_call_that_is_answered_twice_because_the_first_answer_was_lost_starts_one_job(
    store: JobStore, lanes: Lanes
) -> None:
    first, second = store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    call, _ = lanes.dispatch(NORMAL, 2)
    terms = ("token", LEASE_SECONDS * 1000, "process", 0, RECORD_VERSION, 0)
    answers = [store._scripts.run("claim_next", NORMAL, call, 1, *terms) for _ in range(2)]
    records = [pairs(answer[0][1]) for answer in answers]
    assert records[0] == records[1]
    assert answers[0][0][0] == first
    assert store.get(second).status is JobStatus.QUEUED


def test_a_call_that_is_delivered_again_starts_the_next_job_or_nothing(store: JobStore, lanes: Lanes) -> None:
    ids = store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    call, _ = lanes.dispatch(NORMAL, 2)
    claims = [store.take(NORMAL, call, LEASE_SECONDS, "process") for _ in range(3)]
    assert [[claim.job.id for claim in taken] for taken in claims] == [[ids[0]], [ids[1]], []]


def test_a_call_of_a_paused_lane_starts_nothing_and_every_job_keeps_its_place(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    calls = lanes.dispatch(NORMAL, 3)
    lanes.pause(NORMAL)
    assert [store.take(NORMAL, call, LEASE_SECONDS) for call in calls] == [[]] * 3
    assert in_line(connection) == ids
    assert lanes.dispatch(NORMAL, 3) == []
    lanes.resume(NORMAL)
    assert len(lanes.dispatch(NORMAL, 3)) == 3


def test_overdue_canceled_and_too_new_jobs_are_passed_by(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    overdue, too_new, canceled = create(store, start_within=60), create(store), create(store)
    next_millisecond(connection)
    of_batch, other_of_batch = job_ids(accept_batch(batches, [request()] * 2), 2)
    connection.hset(f"sq:job:{overdue}", "expires_ms", 1)
    connection.hset(f"sq:job:{too_new}", "needs", RECORD_VERSION + 1)
    store.cancel(canceled, OWNER)
    store.cancel(of_batch, OWNER)
    claim = take(store)
    assert claim is not None
    assert claim.job.id == other_of_batch
    assert store.get(overdue).status is JobStatus.EXPIRED
    assert members(connection, "sq:parked:normal") == [too_new]
    assert take(store) is None
    lanes.unpark(NORMAL, RECORD_VERSION + 1)
    (newer,) = store.take(NORMAL, "call", LEASE_SECONDS, record_version=RECORD_VERSION + 1)
    assert newer.job.id == too_new


@pytest.fixture
def suspect(store: JobStore, lanes: Lanes, connection: redis.Redis) -> str:
    """Return a job whose worker fell silent; it waits again."""
    job_id = create(store)
    claimed(store, job_id)
    let_time_pass(connection, "leases")
    lanes.sweep(LEASE_SECONDS, QUEUES)
    return job_id


def test_a_suspect_belongs_to_the_worker_that_met_it_and_others_go_on_with_the_next(
    store: JobStore, connection: redis.Redis, suspect: str
) -> None:
    other = create(store)
    with pytest.raises(MustRunAlone) as met:
        take(store, process="one")
    assert met.value.job_id == suspect
    assert in_line(connection) == [suspect, other]
    claim = take(store, process="two")
    assert claim is not None
    assert claim.job.id == other
    assert store.claim(suspect, LEASE_SECONDS, "one", alone=True) is not None


def test_a_suspect_whose_worker_never_came_to_it_is_called_by_its_name(
    store: JobStore, lanes: Lanes, connection: redis.Redis, suspect: str
) -> None:
    with pytest.raises(MustRunAlone):
        take(store, process="one")
    let_time_pass(connection, "dispatched")
    assert lanes.sweep(LEASE_SECONDS, QUEUES) == [(NORMAL, suspect)]
    lanes.undispatch([suspect])
    assert in_line(connection) == [suspect]


def test_a_worker_that_is_alone_takes_a_suspect_at_once(store: JobStore, suspect: str) -> None:
    (claim,) = store.take(NORMAL, "call", LEASE_SECONDS, "one", alone=True)
    assert claim.job.id == suspect


def test_lost_calls_of_a_paused_lane_are_forgotten(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    create(store)
    lanes.dispatch(NORMAL, 2)
    lanes.pause(NORMAL)
    let_time_pass(connection, "calls")
    assert lanes.sweep(LEASE_SECONDS, QUEUES) == []
    assert members(connection, CALLS) == []


def test_a_call_lost_among_others_is_sent_again(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    lost, second, _ = lanes.dispatch(NORMAL, 3)
    connection.lpush("stylize.normal", "the messages of others")
    assert lanes.sweep(0, QUEUES) == []
    store.take(NORMAL, second, LEASE_SECONDS)
    found = [message for _ in range(5) for _, message in lanes.sweep(0, QUEUES)]
    assert set(found) >= {lost}
    assert second not in found


def test_a_worker_that_leaves_is_no_reason_to_name_jobs(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    registry = WorkerRegistry(connection)
    for name in ("stays", "leaves"):
        registry.announce(worker_info(name))
    registry.remove("leaves")
    assert connection.smembers("sq:workers:calls") == {"stays"}
    create(store)
    assert members(connection, CALLS) == []
    lanes.dispatch(NORMAL, 2)
    assert len(members(connection, CALLS)) == 1


@pytest.mark.parametrize("lane", [NORMAL, Lane.BULK])
def test_jobs_dispatched_by_an_older_version_leave_no_wrong_costs(
    store: JobStore, batches: BatchStore, connection: redis.Redis, lane: Lane
) -> None:
    requests = [request(64, lane=lane), *[request(4096, lane=lane)] * 3]
    if lane is NORMAL:
        line, ids = OWNER, store.create(OWNER, requests, MAX_ATTEMPTS)
    else:
        line = accept_batch(batches, requests)
        ids = job_ids(line, 4)
    assert [job_id for job_id, _ in connection.zpopmin(f"sq:line:{lane}:{line}", 2)] == ids[:2]
    connection.zadd(f"sq:dispatched:{lane}", dict.fromkeys(ids[:2], 1))
    succeed(store, *ids[:2])
    claim = take(store, lane)
    assert claim is not None
    assert claim.job.id == ids[2]
    assert in_line(connection, lane) == ids[3:]


def test_a_call_asks_for_a_bundle_when_more_jobs_wait_than_the_window_has_room_for(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    accept_batch(batches, bulk(13))
    assert [jobs_called_by(call) for call in lanes.dispatch(Lane.BULK, 4)] == [3] * 4
    connection.delete("sq:calls:bulk")
    store.create(OWNER, [request()] * 13, MAX_ATTEMPTS)
    assert [jobs_called_by(call) for call in lanes.dispatch(NORMAL, 2)] == [4, 4]
    store.create(OWNER, [request(lane=Lane.HIGH)] * 13, MAX_ATTEMPTS)
    assert [jobs_called_by(call) for call in lanes.dispatch(Lane.HIGH, 4)] == [1] * 4
    connection.delete("sq:calls:bulk")
    connection.zadd("sq:workers", {"knows_calls": now_ms(connection) / 1000})
    connection.sadd("sq:workers:calls", "knows_calls")
    assert [jobs_called_by(call) for call in lanes.dispatch(Lane.BULK, 4)] == [1] * 4


def test_a_bundle_has_the_jobs_that_single_calls_would_start(
    store: JobStore, connection: redis.Redis
) -> None:
    owners = ["anna", "ben", "cleo"]
    for owner in owners:
        store.create(owner, [request()] * 3, MAX_ATTEMPTS)
    expected = in_line(connection)
    claims = store.take(NORMAL, "call", LEASE_SECONDS, "one", most=4)
    assert [claim.job.id for claim in claims] == expected[:4]
    assert [claim.job.attempt for claim in claims] == [1] * 4
    rest = store.take(NORMAL, "call", LEASE_SECONDS, "one", most=10)
    assert [claim.job.id for claim in rest] == expected[4:]


def test_a_bundle_has_one_job_while_a_higher_lane_calls(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    accept_batch(batches, bulk(6))
    create(store)
    (call,) = lanes.dispatch(NORMAL, 2)
    assert len(store.take(Lane.BULK, "call", LEASE_SECONDS, "one", most=4)) == 1
    store.take(NORMAL, call, LEASE_SECONDS, "one")
    assert len(store.take(Lane.BULK, "call", LEASE_SECONDS, "one", most=4)) == 4


def test_a_bundle_ends_before_a_suspect(store: JobStore, connection: redis.Redis) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    connection.hset(f"sq:job:{ids[1]}", "suspect", 1)
    (claim,) = store.take(NORMAL, "call", LEASE_SECONDS, "one", most=3)
    assert claim.job.id == ids[0]
    with pytest.raises(MustRunAlone):
        store.take(NORMAL, "call", LEASE_SECONDS, "one", most=3)
    assert [claim.job.id for claim in store.take(NORMAL, "call", LEASE_SECONDS, "one", most=3)] == [ids[2]]


def test_jobs_end_together_and_a_damaged_record_touches_no_neighbour(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    accept_batch(batches, bulk(3))
    good, damaged, void = store.take(Lane.BULK, "call", LEASE_SECONDS, "one", most=3)
    store.release(void, counts=False)
    lane = connection.hget(f"sq:job:{damaged.job.id}", "lane")
    connection.hdel(f"sq:job:{damaged.job.id}", "lane")
    endings = [Ending(claim, RESULT) for claim in (damaged, void, good)]
    refused, gone, ended = store.finish(endings).statuses
    assert isinstance(refused, QueueUnavailable)
    assert (gone, ended) == (None, JobStatus.SUCCEEDED)
    connection.hset(f"sq:job:{damaged.job.id}", mapping={"lane": str(lane), "status": "running"})
    connection.hdel(f"sq:job:{damaged.job.id}", "result", "finished_ms", "stored")
    store.release(damaged, counts=False)
