"""Operators' work on workers and lanes over HTTP, on a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from tests.access import as_owner
from tests.checks.agreement import assert_counters_agree
from tests.jobs import LEASE_SECONDS, worker_info
from tests.stacks.service import PAIR, accepted, assert_problem, paint, post_lines, started

BULK = {**PAIR, "lane": "bulk"}


@pytest.fixture
def client(app: Flask, settings: Settings, connection: redis.Redis) -> FlaskClient:
    """A client on an empty Redis with one worker that serves all lanes."""
    WorkerRegistry(connection).announce(worker_info("w-1", rate=2.0))
    return started(app, settings)


def get(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


def posted(client: FlaskClient, path: str, status: int = 200) -> dict[str, Any]:
    response = client.post(path)
    assert response.status_code == status, response.text
    return dict(response.json or {})


def messages(connection: redis.Redis, lane: Lane) -> int:
    return int(connection.llen(f"stylize.{lane}"))


# --- workers --------------------------------------------------------------------------------------


def test_a_worker_is_shown_with_all_that_is_known_of_it(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    said = {"version": "1.2", "model_digest": "d" * 64, "rss_bytes": 7, "memory_budget_bytes": 9, "rate": 0.5}
    WorkerRegistry(connection).announce(worker_info("w-0", **said))
    job = accepted(client.post("/v1/jobs", json=PAIR))["id"]
    assert store.claim(job, LEASE_SECONDS, "w-0") is not None
    listed = get(client, "/v1/workers")["workers"]
    assert [worker["id"] for worker in listed] == ["w-0", "w-1"]
    one = get(client, "/v1/workers/w-0")
    assert {name: one[name] for name in said} == said
    assert (one["busy"], one["job_ids"], one["draining"]) == (1, [job], False)
    assert one == {**listed[0], "last_seen_at": one["last_seen_at"]}


def test_a_worker_is_drained_by_its_id_and_says_so_at_once(
    client: FlaskClient, connection: redis.Redis
) -> None:
    assert posted(client, "/v1/workers/w-1/drain", 202)["draining"] is True
    assert posted(client, "/v1/workers/w-1/drain", 202)["draining"] is True
    assert get(client, "/v1/workers/w-1")["draining"] is True
    assert WorkerRegistry(connection).announce(worker_info("w-1")) is True


@pytest.mark.parametrize("path", ["/v1/workers/w-2", "/v1/workers/w-2/drain"])
def test_an_unknown_worker_is_404(client: FlaskClient, path: str) -> None:
    method = "POST" if path.endswith("drain") else "GET"
    assert "'w-2'" in assert_problem(client.open(path, method=method), 404, "worker-not-found")


# --- lanes ----------------------------------------------------------------------------------------


def test_lanes_are_listed_with_what_they_hold(client: FlaskClient) -> None:
    accepted(client.post("/v1/jobs", json=BULK))
    posted(client, "/v1/lanes/high/pause")
    lanes = get(client, "/v1/lanes")["lanes"]
    assert [(lane["lane"], lane["paused"], lane["dispatched"]) for lane in lanes] == [
        ("high", True, 0),
        ("normal", False, 0),
        ("bulk", False, 1),
        ("optimize", False, 0),
    ]


def test_jobs_of_a_paused_lane_are_accepted_and_told_that_they_wait(
    client: FlaskClient, connection: redis.Redis
) -> None:
    assert posted(client, "/v1/lanes/bulk/pause")["paused"] is True
    job = accepted(client.post("/v1/jobs", json=BULK))
    assert (job["queue"]["runnable"], job["queue"]["position"], job["queue"]["eta_seconds"]) == (
        False,
        1,
        None,
    )
    assert "'bulk' is paused" in job["queue"]["reason"]
    assert accepted(client.post("/v1/jobs", json=PAIR))["queue"]["runnable"] is True
    assert (messages(connection, Lane.BULK), messages(connection, Lane.NORMAL)) == (0, 1)


def test_the_end_of_a_pause_sends_what_waited_at_once(client: FlaskClient, connection: redis.Redis) -> None:
    posted(client, "/v1/lanes/bulk/pause")
    jobs = [accepted(client.post("/v1/jobs", json=BULK))["links"]["self"] for _ in range(3)]
    resumed = posted(client, "/v1/lanes/bulk/resume")
    assert (resumed["paused"], resumed["waiting"], resumed["dispatched"]) == (False, 0, 3)
    assert messages(connection, Lane.BULK) == 3
    assert Lanes(connection).paused() == set()
    assert all(get(client, job)["status"] == "queued" for job in jobs)
    assert_counters_agree(connection)


def test_waiting_jobs_of_a_paused_lane_can_be_canceled(client: FlaskClient) -> None:
    posted(client, "/v1/lanes/normal/pause")
    job = accepted(client.post("/v1/jobs", json=PAIR))
    assert posted(client, job["links"]["cancel"])["status"] == "canceled"


def test_a_batch_that_spans_lanes_waits_for_its_paused_one(
    client: FlaskClient, store: JobStore, settings: Settings
) -> None:
    posted(client, "/v1/lanes/bulk/pause")
    batch = accepted(post_lines(client, {**PAIR, "lane": "high"}, BULK))
    assert (batch["queue"]["runnable"], "'bulk' is paused" in batch["queue"]["reason"]) == (False, True)
    first, second = get(client, batch["links"]["jobs"])["jobs"]
    paint(store, Storage(settings), first["id"])
    assert store.claim(second["id"], LEASE_SECONDS) is None
    assert get(client, batch["links"]["self"])["counts"]["succeeded"] == 1
    posted(client, "/v1/lanes/bulk/resume")
    paint(store, Storage(settings), second["id"])
    assert get(client, batch["links"]["self"])["counts"]["succeeded"] == 2


@pytest.mark.parametrize("step", ["pause", "resume"])
def test_an_unknown_lane_is_404(client: FlaskClient, step: str) -> None:
    detail = assert_problem(client.post(f"/v1/lanes/fast/{step}"), 404, "lane-not-found")
    assert "high, normal, bulk" in detail


def test_stats_are_for_operators(app: Flask) -> None:
    for scope, status in ((Scope.ADMIN, 200), (Scope.METRICS, 200), (Scope.USER, 403), (Scope.VIEWER, 403)):
        assert as_owner(app, "anna", scope).get("/v1/stats?window=day").status_code == status
    wrong = as_owner(app, "anna", Scope.ADMIN).get("/v1/stats?window=week")
    assert_problem(wrong, 422, "invalid-parameter", "/window")
