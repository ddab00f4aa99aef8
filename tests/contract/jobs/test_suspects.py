"""A worker falls silent: a job that was alone with it pays with an attempt, jobs that shared it do not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from shared.errors import MustRunAlone
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.wire.records import JobStatus
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    create,
    end_job,
    in_line,
    let_time_pass,
    request,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


def claim(store: JobStore, job_id: str, process: str, *, alone: bool = False) -> Claim:
    claimed = store.claim(job_id, LEASE_SECONDS, process, alone=alone)
    assert claimed is not None
    return claimed


def lose_all(connection: redis.Redis, lanes: Lanes) -> None:
    """Kill the workers that hold jobs now, and let their leases end."""
    let_time_pass(connection, "leases")
    lanes.sweep(LEASE_SECONDS, QUEUES)


def attempts(store: JobStore, job_ids: Sequence[str]) -> list[int]:
    return [store.get(job_id).attempt for job_id in job_ids]


def test_jobs_that_shared_a_lost_process_are_given_back_uncounted_and_then_run_alone(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    ids = store.create(OWNER, [request()] * 4, MAX_ATTEMPTS)
    for job_id in ids:
        claim(store, job_id, "one")
    lose_all(connection, lanes)
    assert attempts(store, ids) == [0] * 4
    assert in_line(connection) == ids
    for job_id in ids:
        with pytest.raises(MustRunAlone):
            store.claim(job_id, LEASE_SECONDS, "two")
        assert store.get(job_id).status is JobStatus.QUEUED
        assert end_job(store, claim(store, job_id, "two", alone=True), RESULT) is JobStatus.SUCCEEDED
    assert attempts(store, ids) == [1] * 4


def test_a_job_that_kills_its_process_each_time_costs_one_process_more_than_it_has_attempts(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    poison, innocent = store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    claim(store, innocent, "0")
    claim(store, poison, "0")
    lose_all(connection, lanes)
    deaths = 1
    while store.get(poison).status is JobStatus.QUEUED:
        claim(store, poison, str(deaths), alone=True)
        lose_all(connection, lanes)
        deaths += 1
    error = store.get(poison).error
    assert deaths == 1 + MAX_ATTEMPTS
    assert error is not None
    assert (error.code, error.attempts) == ("worker-lost", MAX_ATTEMPTS)
    assert "no other job beside this one" in error.detail
    assert attempts(store, [innocent]) == [0]


def test_an_innocent_that_shares_lost_processes_again_and_again_keeps_its_attempts(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    innocent = create(store)
    for process in range(3 * MAX_ATTEMPTS):
        # Another job may be there for any reason, such as a claim whose response was lost.
        claim(store, innocent, str(process), alone=True)
        claim(store, create(store), str(process))
        lose_all(connection, lanes)
        assert store.get(innocent).attempt == 0
    assert store.get(innocent).status is JobStatus.QUEUED


def test_jobs_are_judged_alike_though_their_leases_end_one_after_the_other(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    for job_id in ids:
        claim(store, job_id, "one")
    for job_id in ids:
        connection.zadd("sq:leases", {job_id: 0})
        lanes.sweep(LEASE_SECONDS, QUEUES)
    assert attempts(store, ids) == [0, 0, 0]


def test_only_jobs_that_were_held_when_the_process_was_lost_are_suspects(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    ended, released, last = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    end_job(store, claim(store, ended, "one"), RESULT)
    store.release(claim(store, released, "one"), counts=True)
    claim(store, last, "one")
    lose_all(connection, lanes)
    assert attempts(store, [released, last]) == [1, 1]
    claim(store, released, "two")
    with pytest.raises(MustRunAlone):
        store.claim(last, LEASE_SECONDS, "two")


def test_a_job_that_its_worker_survived_is_no_longer_a_suspect_and_a_poison_stays_one(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    harmless, poison = create(store, max_attempts=1), create(store, max_attempts=1)
    claim(store, harmless, "one")
    claim(store, poison, "one")
    lose_all(connection, lanes)
    end_job(store, claim(store, harmless, "two", alone=True), RESULT)
    assert connection.hget(f"sq:job:{harmless}", "suspect") is None
    claim(store, poison, "three", alone=True)
    lose_all(connection, lanes)
    store.retry(poison, OWNER)
    with pytest.raises(MustRunAlone):
        store.claim(poison, LEASE_SECONDS, "four")


def test_a_suspect_expires_and_is_canceled_like_any_other(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    started = create(store, start_within=60)
    canceled, canceling = create(store), create(store)
    for job_id in (started, canceled, canceling):
        claim(store, job_id, "one")
    store.cancel(canceling, OWNER)
    lose_all(connection, lanes)
    assert store.cancel(canceled, OWNER).status is JobStatus.CANCELED
    assert store.get(canceling).status is JobStatus.CANCELED
    connection.hset(f"sq:job:{started}", "expires_ms", 1)  # it did start in time
    assert store.claim(started, LEASE_SECONDS, "two", alone=True) is not None


def test_workers_that_could_not_renew_because_redis_was_away_get_a_moment_for_it(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    lanes.sweep(LEASE_SECONDS, QUEUES)
    living, dead = claim(store, create(store), "one"), claim(store, create(store), "two")
    let_time_pass(connection, "leases")
    connection.hset("sq:swept", mapping={"at": 0, "pace": 100})
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert store.renew([living], LEASE_SECONDS) == set()
    connection.zadd("sq:leases", {dead.job.id: 0})
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert [store.get(held.job.id).status for held in (living, dead)] == ["running", "queued"]


def test_a_job_that_was_lost_with_an_engine_pays_only_if_it_ran_alone_there(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    (job_id,) = store.create(OWNER, [request()], MAX_ATTEMPTS)
    store.lose_engine(claim(store, job_id, "one"), alone=False)
    lose_all(connection, lanes)
    assert attempts(store, [job_id]) == [0]
    store.lose_engine(claim(store, job_id, "one", alone=True), alone=True)
    (later,) = store.create(OWNER, [request()], MAX_ATTEMPTS)
    claimed_later = claim(store, later, "one")  # the worker lives on
    connection.zadd("sq:leases", {job_id: 0})
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert attempts(store, [job_id]) == [1]
    assert end_job(store, claimed_later, RESULT) is JobStatus.SUCCEEDED
