"""The workers that are alive, and those that are to stop, on a real Redis."""

from __future__ import annotations

import json

import pytest
import redis

from shared.request_errors import WorkerNotFound
from shared.store.jobs import JobStore
from shared.store.workers import FORGET_AFTER_SECONDS, WorkerRegistry
from shared.wire.records import WorkerInfo
from tests.checks.agreement import keys
from tests.jobs import LEASE_SECONDS, RESULT, create, end_job, worker_info

SEEN_SECONDS = 15


@pytest.fixture
def registry(connection: redis.Redis) -> WorkerRegistry:
    return WorkerRegistry(connection)


def silent_for(connection: redis.Redis, worker_id: str, seconds: float) -> None:
    connection.zincrby("sq:workers", -seconds, worker_id)


def alive(registry: WorkerRegistry) -> list[str]:
    return [worker.id for worker in registry.alive(SEEN_SECONDS)]


def test_workers_are_alive_while_they_are_heard_of_and_listed_by_id(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    for worker_id in ("c", "a", "b"):
        registry.announce(worker_info(worker_id))
    assert alive(registry) == ["a", "b", "c"]
    silent_for(connection, "b", SEEN_SECONDS + 1)
    registry.remove("c")
    assert alive(registry) == ["a"]
    registry.announce(worker_info("b"))
    assert alive(registry) == ["a", "b"]


def test_a_worker_that_was_silent_for_long_leaves_nothing(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    registry.announce(worker_info("gone"))
    registry.drain(["gone"])
    silent_for(connection, "gone", FORGET_AFTER_SECONDS + 1)
    registry.announce(worker_info("w"))
    registry.remove("w")
    assert keys(connection, "*") == []


def test_the_time_of_the_last_heartbeat_is_redis_own_whatever_the_workers_clock_says(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    registry.announce(worker_info(last_seen_at="1999-01-01T00:00:00Z"))
    silent_for(connection, "w", 5)
    (worker,) = registry.alive(SEEN_SECONDS)
    assert 4 < connection.time()[0] - worker.last_seen_at.timestamp() < 60


def test_the_jobs_in_hand_are_those_of_this_moment_and_not_of_the_last_heartbeat(
    registry: WorkerRegistry, store: JobStore
) -> None:
    registry.announce(worker_info("w", busy=3))
    registry.announce(worker_info("other"))
    claims = [store.claim(create(store), LEASE_SECONDS, "w") for _ in range(2)]
    worker = registry.find("w", SEEN_SECONDS)
    assert (worker.busy, worker.job_ids) == (2, tuple(sorted(claim.job.id for claim in claims if claim)))
    assert registry.find("other", SEEN_SECONDS).job_ids == ()
    for claim in claims:
        assert claim is not None
        end_job(store, claim, RESULT)
    assert registry.find("w", SEEN_SECONDS).busy == 0


def test_a_worker_that_is_to_stop_learns_it_at_its_next_heartbeat_and_others_see_it_at_once(
    registry: WorkerRegistry,
) -> None:
    for worker_id in ("a", "b"):
        assert registry.announce(worker_info(worker_id)) is False
    registry.drain(["a", "nobody"])
    assert [(worker.id, worker.draining) for worker in registry.alive(SEEN_SECONDS)] == [
        ("a", True),
        ("b", False),
    ]
    assert [registry.announce(worker_info(worker_id)) for worker_id in ("a", "b")] == [True, False]
    registry.remove("a")
    assert registry.announce(worker_info("a")) is False  # another one, whatever its name


def test_a_wish_for_a_worker_that_is_gone_is_not_kept(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    registry.drain(["nobody"])
    assert keys(connection, "*") == []
    with pytest.raises(WorkerNotFound, match="nobody"):
        registry.find("nobody", SEEN_SECONDS)


def test_the_record_of_an_older_worker_is_understood(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    """Its record has no digests, versions and memory."""
    later = ("version", "model_digest", "job_ids", "rss_bytes", "memory_budget_bytes")
    said = {
        name: value
        for name, value in json.loads(worker_info("old").model_dump_json()).items()
        if name not in later
    }
    connection.hset("sq:worker:infos", "old", json.dumps(said))
    connection.zadd("sq:workers", {"old": connection.time()[0]})
    (worker,) = registry.alive(SEEN_SECONDS)
    assert isinstance(worker, WorkerInfo)
    assert (worker.version, worker.model_digest, worker.rss_bytes, worker.job_ids) == (None, None, None, ())


def test_workers_are_heard_of_drained_and_removed_while_redis_is_full(
    connection: redis.Redis, registry: WorkerRegistry
) -> None:
    connection.config_set("maxmemory", "1")
    try:
        for worker_id in ("a", "b"):
            registry.announce(worker_info(worker_id))
        registry.drain(["a"])
        assert registry.announce(worker_info("a")) is True
        registry.remove("b")
        assert alive(registry) == ["a"]
    finally:
        connection.config_set("maxmemory", "0")
