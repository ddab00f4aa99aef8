"""/v1/queue and /v1/queue/scale: the API on a real Redis, and workers that announce themselves."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.api_key import Scope
from shared.wire.operations.queue_records import QueueOverview, ScaleView
from shared.wire.records import WorkerInfo
from tests.access import as_owner
from tests.jobs import MAX_ATTEMPTS, accept_batch, bulk, claimed, create, fail, job_ids, request, worker_info
from tests.stacks.service import assert_problem, started


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scale_min_workers": 0, "scale_max_workers": 50})


@pytest.fixture
def client(module_app: Flask, settings: Settings, connection: redis.Redis) -> FlaskClient:
    """A client on an empty Redis, with a key of an operator named anna."""
    started(module_app, settings)
    return as_owner(module_app, "anna", Scope.ADMIN)


@pytest.fixture
def registry(connection: redis.Redis) -> WorkerRegistry:
    return WorkerRegistry(connection)


def worker(name: str, rate: float | None, *lanes: Lane, draining: bool = False) -> WorkerInfo:
    return worker_info(name, rate=rate, lanes=lanes or tuple(Lane), draining=draining)


def overview(client: FlaskClient) -> QueueOverview:
    return QueueOverview.model_validate(client.get("/v1/queue").json)


def scale(client: FlaskClient, **query: Any) -> ScaleView:
    response = client.get("/v1/queue/scale", query_string=query)
    assert response.status_code == 200, response.text
    return ScaleView.model_validate(response.json)


def test_everybody_sees_the_lanes_and_the_counts_of_their_own_jobs(
    module_app: Flask, client: FlaskClient, store: JobStore
) -> None:
    create(store, "anna", lane=Lane.HIGH)
    store.create("zoe", [request(lane=Lane.BULK)] * 3, MAX_ATTEMPTS)
    fail(store, create(store, "zoe"))
    assert overview(as_owner(module_app, "zoe")).own == {"queued": 3, "failed": 1}
    seen = overview(client)
    assert seen.own == {"queued": 1}
    assert [(lane.lane, lane.waiting) for lane in seen.lanes if lane.waiting] == [("high", 1), ("bulk", 3)]
    assert (seen.workers, seen.jobs_per_second, seen.capacity_per_second) == (0, 0.0, None)


def test_each_lane_says_who_serves_it_and_how_fast_jobs_end(
    client: FlaskClient, registry: WorkerRegistry, connection: redis.Redis
) -> None:
    registry.announce(worker("a", 4.0))
    connection.sadd("sq:held:a", "job_1", "job_2", "job_3")
    registry.announce(worker("b", 2.0, Lane.HIGH))
    registry.announce(worker("c", None, Lane.HIGH, Lane.NORMAL, draining=True))
    seen = overview(client)
    assert [(lane.workers, lane.slots) for lane in seen.lanes] == [(2, 8), *[(1, 4)] * 3]
    assert (seen.workers, seen.slots, seen.busy) == (3, 12, 3)
    assert (seen.jobs_per_second, seen.capacity_per_second) == (4.0, 9.0)


def test_only_an_operator_is_told_how_to_scale(module_app: Flask, client: FlaskClient) -> None:
    assert_problem(as_owner(module_app, "zoe").get("/v1/queue/scale"), 403, "forbidden")
    assert scale(client).desired_workers == 0


def test_the_load_is_what_waits_and_runs_by_the_measured_time(
    client: FlaskClient, store: JobStore, registry: WorkerRegistry
) -> None:
    ids = store.create("zoe", [request()] * 120, MAX_ATTEMPTS)
    claimed(store, ids[0])
    for name in "ab":
        registry.announce(worker(name, 0.5))
    seen = scale(client)
    assert (seen.waiting, seen.running, seen.workers) == (119, 1, 2)
    assert (seen.seconds_per_job, seen.seconds_per_job_from, seen.load) == (2.0, "workers", 240.0)
    assert (seen.target_seconds, seen.desired_workers) == (60.0, 4)
    assert scale(client, target_seconds=10).desired_workers == 24
    assert scale(client, target_seconds=1).desired_workers == 50
    assert scale(client, target_seconds=1, max_workers=7).desired_workers == 7
    assert scale(client, target_seconds=1, max_workers=9000).max_workers == 50
    assert scale(client, min_workers=6).desired_workers == 6
    assert scale(client, min_workers=6, max_workers=3).desired_workers == 3


def test_every_key_may_read_how_many_workers_each_fleet_wants(
    module_app: Flask, client: FlaskClient, store: JobStore, registry: WorkerRegistry
) -> None:
    store.create("zoe", [request()] * 300, MAX_ATTEMPTS)
    create(store, "zoe", lane=Lane.OPTIMIZE)
    registry.announce(worker("a", 0.5, *FAST_LANES))
    wanted = [fleet.model_dump(mode="json") for fleet in overview(as_owner(module_app, "zoe")).fleets]
    assert wanted == [
        {"lanes": ["high", "normal", "bulk"], "workers": 1, "desired_workers": 10},
        {"lanes": ["optimize"], "workers": 0, "desired_workers": 1},
    ]
    assert wanted[0]["desired_workers"] == scale(client, lanes="high,normal,bulk").desired_workers


def test_a_fleet_that_nobody_needs_is_left_out(client: FlaskClient) -> None:
    assert overview(client).fleets == ()


def test_from_zero_the_last_known_time_counts(
    client: FlaskClient, store: JobStore, registry: WorkerRegistry
) -> None:
    store.create("zoe", [request()] * 300, MAX_ATTEMPTS)
    registry.announce(worker("a", 0.5))
    registry.remove("a")
    seen = scale(client)
    assert (seen.workers, seen.seconds_per_job, seen.seconds_per_job_from) == (0, 2.0, "last-known")
    assert seen.desired_workers == 10


def test_before_any_job_has_ended_one_worker_is_asked_for(
    client: FlaskClient, store: JobStore, registry: WorkerRegistry
) -> None:
    store.create("zoe", [request()] * 300, MAX_ATTEMPTS)
    registry.announce(worker("a", None))
    seen = scale(client)
    assert (seen.seconds_per_job, seen.seconds_per_job_from, seen.load) == (None, "unknown", None)
    assert seen.desired_workers == 1


def test_a_worker_that_fell_silent_is_not_counted(
    client: FlaskClient, registry: WorkerRegistry, connection: redis.Redis
) -> None:
    registry.announce(worker("a", 0.5))
    connection.zincrby("sq:workers", -3600, "a")
    assert (scale(client).workers, scale(client).seconds_per_job_from) == (0, "last-known")


def test_a_fleet_for_some_lanes_is_asked_about_these(
    client: FlaskClient, store: JobStore, registry: WorkerRegistry
) -> None:
    store.create("zoe", [request(lane=Lane.BULK)] * 120, MAX_ATTEMPTS)
    create(store, lane=Lane.HIGH)
    registry.announce(worker("fast", 2.0, Lane.HIGH, Lane.NORMAL))
    registry.announce(worker("slow", 0.5, Lane.BULK))
    seen = scale(client, lanes="bulk")
    assert (seen.lanes, seen.waiting, seen.workers) == (("bulk",), 120, 1)
    assert (seen.seconds_per_job, seen.desired_workers) == (2.0, 4)
    assert (scale(client, lanes="normal,high").waiting, scale(client, lanes="high").workers) == (1, 1)
    registry.remove("slow")
    assert registry.last_rates() == {(Lane.HIGH, Lane.NORMAL): 2.0, (Lane.BULK,): 0.5}


def test_jobs_of_a_paused_lane_call_for_no_worker(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    create(store, lane=Lane.BULK)
    connection.sadd("sq:paused", Lane.BULK)
    assert (scale(client).waiting, scale(client).desired_workers) == (0, 0)
    assert [lane.lane for lane in overview(client).lanes if lane.paused] == [Lane.BULK]


def test_a_batch_whose_results_are_to_be_written_keeps_a_worker(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    batch_id = accept_batch(batches, bulk(1), "zoe")
    fail(store, *job_ids(batch_id, 1))
    seen = scale(client)
    assert (seen.waiting, seen.running, seen.chores, seen.desired_workers) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    "query",
    ["target_seconds=0", "target_seconds=soon", "min_workers=-1", "max_workers=0", "lanes=", "lanes=fast",
     "lanes=high,,bulk"],
)  # fmt: skip
def test_a_nonsensical_value_is_refused_by_name(client: FlaskClient, query: str) -> None:
    name = query.partition("=")[0]
    assert_problem(client.get(f"/v1/queue/scale?{query}"), 422, "invalid-parameter", f"/{name}")
