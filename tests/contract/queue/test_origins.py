"""Records keep the request that they came from, and recovery steps log what they did and for which owner."""

from __future__ import annotations

import pytest
import redis
import structlog

from shared.policy.queue_limits import NO_LIMITS
from shared.request_context import Origin
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.telemetry.trace_context import parse_trace_context
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.jobs import LEASE_SECONDS, MAX_ATTEMPTS, OWNER, QUEUES, claimed, job_ids, let_time_pass, request

TRACE = parse_trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1")
ORIGIN = Origin(request_id="r-1", trace=TRACE)
IDS = {"request_id": "r-1", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
JOBS = 100
MOST_BYTES_OF_AN_ORIGIN = 48  # in the record of a waiting job, without a trace


def create(store: JobStore, origin: Origin | None = ORIGIN, **members: object) -> str:
    (job_id,) = store.create(OWNER, [request(**members)], MAX_ATTEMPTS, origin=origin)
    return job_id


def accept(batches: BatchStore, number: int) -> list[str]:
    """Accept a batch; return its jobs."""
    batch_id, _ = batches.begin(OWNER, {}, None, origin=ORIGIN)
    batches.add(batch_id, OWNER, list(enumerate([request()] * number, 1)), MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    return job_ids(batch_id, number)


def test_a_claimed_job_says_where_it_came_from(store: JobStore) -> None:
    assert claimed(store, create(store)).job.origin == ORIGIN
    once = store.create_once(OWNER, request(), MAX_ATTEMPTS, "key", origin=ORIGIN)
    assert store.get(once).origin == ORIGIN


def test_a_record_of_a_time_before_has_no_origin_and_runs(store: JobStore) -> None:
    job_id = create(store, None)
    assert claimed(store, job_id).job.origin is None


def test_jobs_of_a_batch_share_its_origin_and_keep_none(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    first, second = accept(batches, 2)
    assert claimed(store, first).job.origin == ORIGIN
    assert not connection.hexists(f"sq:job:{second}", "origin")
    batch = batches.get(store.get(first).batch_id or "")
    assert batch is not None
    assert batch.origin == ORIGIN


def test_an_origin_costs_a_waiting_job_little_memory(store: JobStore, connection: redis.Redis) -> None:
    connection.config_set("hash-max-ziplist-value", 4096)  # as the service's own Redis is told
    sizes = [
        sum(
            int(connection.memory_usage(f"sq:job:{create(store, origin, custom_id='x' * number)}"))
            for number in range(1, JOBS + 1)
        )
        for origin in (None, Origin(request_id="0" * 20))
    ]
    assert 0 < (sizes[1] - sizes[0]) / JOBS <= MOST_BYTES_OF_AN_ORIGIN


@pytest.mark.usefixtures("older_worker")
def test_a_sweep_says_what_it_did_to_which_jobs(
    store: JobStore, batches: BatchStore, lanes: Lanes, connection: redis.Redis
) -> None:
    late = create(store, start_within=60)
    held, last, canceled = create(store), create(store, max_attempts=1), create(store)
    (of_batch,) = accept(batches, 1)
    for number, job_id in enumerate((held, last, canceled, of_batch)):
        store.claim(job_id, LEASE_SECONDS, f"process {number}")
    store.cancel(canceled, OWNER)
    lost = create(store, lane="bulk")
    assert lanes.dispatch(Lane.BULK, 1) == [lost]
    for kind in ("leases", "deadlines", "dispatched"):
        let_time_pass(connection, kind)
    with structlog.testing.capture_logs() as lines:
        lanes.sweep(LEASE_SECONDS, QUEUES)
    assert {line["job_id"]: line["action"] for line in lines} == {
        late: "expired",
        held: "abandoned",
        of_batch: "abandoned",
        last: "worker-lost",
        canceled: "canceled",
        lost: "resent",
    }
    assert all(line.items() >= IDS.items() for line in lines)


def test_a_claim_that_ends_a_lease_says_so(store: JobStore, connection: redis.Redis) -> None:
    job_id = create(store)
    store.claim(job_id, LEASE_SECONDS, "one")
    let_time_pass(connection, "leases")
    with structlog.testing.capture_logs() as lines:
        assert store.claim(job_id, LEASE_SECONDS, "two", alone=True)
    (line,) = lines
    assert line["action"] == "abandoned"
    assert line.items() >= {"job_id": job_id, **IDS}.items()


def test_a_claim_that_comes_too_late_says_so(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    late = create(store, start_within=60)
    connection.hset(f"sq:job:{late}", "expires_ms", 1)
    (of_batch,) = accept(batches, 1)
    connection.hset(f"sq:batch:{store.get(of_batch).batch_id}", "cancel_ms", 1)
    with structlog.testing.capture_logs() as lines:
        assert store.claim(late, LEASE_SECONDS) is None
        assert store.claim(of_batch, LEASE_SECONDS) is None
    assert {line["job_id"]: line["action"] for line in lines} == {late: "expired", of_batch: "canceled"}
    assert all(line.items() >= IDS.items() for line in lines)
    assert store.get(late).status is JobStatus.EXPIRED


@pytest.mark.usefixtures("older_worker")
def test_a_message_that_was_not_sent_is_put_back_by_name(store: JobStore, lanes: Lanes) -> None:
    job_id = create(store)
    with structlog.testing.capture_logs() as lines:
        lanes.undispatch(lanes.dispatch(Lane.NORMAL, 1))
    (line,) = lines
    assert line.items() >= {"job_id": job_id, "action": "put-back", **IDS}.items()


def test_a_batch_whose_reader_fell_silent_is_named(batches: BatchStore, connection: redis.Redis) -> None:
    batch_id, _ = batches.begin(OWNER, {}, None, origin=ORIGIN)
    let_time_pass(connection, "validating")
    with structlog.testing.capture_logs() as lines:
        batches.sweep()
    (line,) = lines
    assert line.items() >= {"batch_id": batch_id, "action": "interrupted", **IDS}.items()
