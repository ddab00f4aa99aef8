"""Cancelling, retrying and deleting batches over HTTP; the tests play the worker."""

from __future__ import annotations

import io

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.routes import batch_steering as steering_routes
from api.routes import batches as batch_routes
from shared.policy.object_keys import result_key
from shared.storage.objects import Storage
from shared.store.batches import JOBS_PER_STEP, BatchStore
from shared.store.jobs import JobStore
from shared.wire.batch_records import BatchStatus
from shared.wire.records import JobStatus
from tests.access import as_owner
from tests.integration.batches.batch_requests import BATCHES, assert_nothing_left
from tests.jobs import ERROR, accept_batch, bulk, claimed, end_job, fail, finalize, job_ids, succeed
from tests.stacks.service import OWNER, PAIR, accepted, assert_problem, give_up, paint, post_lines
from worker.upkeep.finalizer import Finalizer

pytestmark = pytest.mark.usefixtures("counters_agree")


def test_cancel_is_200_if_nothing_runs_202_if_something_does_and_409_at_the_end(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    waiting = accepted(post_lines(client, PAIR, PAIR))
    response = client.post(waiting["links"]["cancel"])
    assert (response.status_code, (response.json or {})["counts"]["canceled"]) == (200, 2)
    running = accepted(post_lines(client, PAIR, PAIR))
    claim = claimed(store, job_ids(running["id"], 1)[0])
    for _ in range(2):
        response = client.post(running["links"]["cancel"])
        counts = (response.json or {})["counts"]
        assert (response.status_code, counts["canceling"], counts["canceled"]) == (202, 1, 1)
    assert (response.json or {})["cancel_requested_at"] is not None
    store.release(claim, counts=False)
    finalize(batches)
    assert (client.get(running["links"]["self"]).json or {})["status"] == "canceled"
    for batch in (waiting, running):
        assert_problem(client.post(batch["links"]["cancel"]), 409, "batch-finished")


def test_retry_queues_what_failed_again_or_what_is_asked_for(
    client: FlaskClient, store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR, PAIR))
    one, two, three = job_ids(batch["id"], 3)
    retry = batch["links"]["self"] + "/retry"
    give_up(store, one)
    for job_id in (two, three):
        store.cancel(job_id, OWNER)
    finalize(batches)
    connection.delete("stylize.bulk", "sq:calls:bulk")
    response = client.post(retry)
    assert accepted(response)["counts"] | {"queued": 1, "canceled": 2, "failed": 0} == response.json["counts"]  # type: ignore[index]
    assert connection.llen("stylize.bulk") == 1
    give_up(store, one)
    assert accepted(client.post(retry, json={"only": "canceled"}))["counts"]["queued"] == 2
    assert accepted(client.post(retry, json={"only": "all"}))["counts"]["queued"] == 3
    assert_problem(client.post(retry, json={"only": "succeeded"}), 422, "invalid-parameter", "/only")
    claimed(store, one)
    client.post(batch["links"]["cancel"])
    assert_problem(client.post(retry), 409, "batch-not-finished")


@pytest.mark.parametrize("only", ["failed", "all"])
def test_a_retry_may_leave_out_permanent_failures(
    client: FlaskClient, store: JobStore, batches: BatchStore, only: str
) -> None:
    batch = accepted(post_lines(client, *[PAIR] * 4))
    for_good, once, canceled, done = job_ids(batch["id"], 4)
    fail(store, for_good)
    end_job(store, claimed(store, once), ERROR.model_copy(update={"retryable": True}))
    store.cancel(canceled, OWNER)
    succeed(store, done)
    finalize(batches)
    answer = client.post(batch["links"]["self"] + "/retry", json={"only": only, "permanent": False})
    assert {status: count for status, count in accepted(answer)["counts"].items() if count} == (
        {"queued": 2, "failed": 1, "succeeded": 1}
        if only == "all"
        else {"queued": 1, "failed": 1, "canceled": 1, "succeeded": 1}
    )
    assert store.get(for_good).status is JobStatus.FAILED
    again = client.post(batch["links"]["self"] + "/retry", json={"permanent": False})
    assert again.status_code == 202


def test_a_retry_whose_body_comes_in_chunks_is_read(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, PAIR))
    store.cancel(job_ids(batch["id"], 1)[0], OWNER)
    finalize(batches)
    response = client.post(
        batch["links"]["self"] + "/retry",
        input_stream=io.BytesIO(b'{"only": "canceled"}'),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},  # as Gunicorn says of chunks
    )
    assert accepted(response)["counts"]["queued"] == 1


def test_delete_waits_for_the_end_and_leaves_neither_records_nor_objects(
    client: FlaskClient, store: JobStore, storage: Storage, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, *[PAIR] * 120, b"{"))
    ids = job_ids(batch["id"], 120)
    assert_problem(client.delete(batch["links"]["self"]), 409, "batch-not-finished")
    for job_id in (ids[0], ids[119]):
        paint(store, storage, job_id)
    client.post(batch["links"]["cancel"])
    Finalizer(batches, store, storage).finalize()
    ended = batches.look(batch["id"], OWNER).batch
    objects = [*(result_key(OWNER, job_id, "jpg") for job_id in (ids[0], ids[119]))]
    objects += [ended.output_key or "", ended.errors_key or ""]
    assert all(map(storage.exists, objects))
    assert client.delete(batch["links"]["self"]).status_code == 204
    assert not any(map(storage.exists, objects))
    assert_problem(client.get(batch["links"]["self"]), 404, "batch-not-found")
    assert_problem(client.get(f"/v1/jobs/{ids[5]}"), 404, "job-not-found")
    assert (client.get("/v1/jobs").json or {})["jobs"] == []


def test_a_batch_whose_reading_was_interrupted_says_so_and_can_be_deleted(
    client: FlaskClient, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id, _ = batches.begin(OWNER, {}, None)
    assert (client.get(f"{BATCHES}/{batch_id}").json or {})["status"] == BatchStatus.VALIDATING
    connection.zadd("sq:validating", {batch_id: 0})
    batches.sweep()
    batch = client.get(f"{BATCHES}/{batch_id}").json or {}
    assert (batch["status"], batch["error"]["code"]) == ("failed", "interrupted")
    assert client.delete(f"{BATCHES}/{batch_id}").status_code == 204
    assert_nothing_left(client, connection)


def test_an_unknown_batch_and_another_owners_are_404_on_every_route(app: Flask, batches: BatchStore) -> None:
    client = as_owner(app, "anna")
    foreign = accept_batch(batches, bulk(2), owner="someone-else")
    for batch_id in (foreign, "batch_0"):
        routes = [("GET", ""), ("GET", "?wait=5"), ("DELETE", "")]
        routes += [("POST", step) for step in ("/cancel", "/retry", "/pause", "/resume", "/first")]
        parts = ("/jobs", "/results", "/rejected", "/archive", "/output", "/errors", "/events")
        routes += [("GET", part) for part in parts]
        for method, route in routes:
            response = client.open(f"{BATCHES}/{batch_id}{route}", method=method)
            assert_problem(response, 404, "batch-not-found")
    assert (client.get(f"/v1/jobs?batch_id={foreign}").json or {})["jobs"] == []
    assert (client.get(BATCHES).json or {})["batches"] == []
    assert batches.look(foreign, "someone-else").batch.counts[JobStatus.QUEUED] == 2


def test_a_batch_is_paused_resumed_and_moved_first(client: FlaskClient, connection: redis.Redis) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR))["links"]["self"]
    paused = client.post(f"{batch}/pause")
    assert paused.status_code == 200
    assert (paused.json or {})["paused_at"] is not None
    connection.delete("stylize.bulk", "sq:calls:bulk")
    assert (client.post(f"{batch}/resume").json or {})["paused_at"] is None
    assert connection.llen("stylize.bulk") > 0
    assert client.post(f"{batch}/first").status_code == 200
    assert client.get(f"{batch}/failures").json == {"by_code": {}, "next_cursor": None}
    client.post(f"{batch}/cancel")
    assert client.post(f"{batch}/pause").status_code == 409


def test_the_waiting_jobs_of_a_batch_go_to_another_lane(client: FlaskClient, connection: redis.Redis) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR))["links"]["self"]
    connection.delete("stylize.high")
    moved = client.post(f"{batch}/lane", json={"lane": "high"})
    assert (moved.status_code, (moved.json or {})["moving_to"]) == (200, None)
    jobs = (client.get(f"{batch}/jobs").json or {})["jobs"]
    assert [(job["lane"], job["queue"]["position"]) for job in jobs] == [("high", 1), ("high", 2)]
    assert connection.llen("stylize.high") > 0, "workers are called for them"
    for wrong in ({"lane": "optimize"}, {"lane": "fast"}):
        assert_problem(client.post(f"{batch}/lane", json=wrong), 422, "invalid-parameter", "/lane")
    client.post(f"{batch}/cancel")
    assert_problem(client.post(f"{batch}/lane", json={"lane": "bulk"}), 409, "batch-finished")


def test_steps_through_a_large_batch_are_left_to_the_workers(
    client: FlaskClient, batches: BatchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (batch_routes, steering_routes):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0)
    number = 2 * JOBS_PER_STEP + 1
    batch = accepted(post_lines(client, *[PAIR] * number))["links"]["self"]
    moved = client.post(f"{batch}/lane", json={"lane": "normal"})
    assert (moved.status_code, (moved.json or {})["moving_to"]) == (202, "normal")
    batches.sweep()
    assert (client.get(batch).json or {})["moving_to"] is None
    canceled = client.post(f"{batch}/cancel")
    assert (canceled.status_code, (canceled.json or {})["counts"]["queued"]) == (202, number - JOBS_PER_STEP)
    batches.sweep()
    assert (client.get(batch).json or {})["counts"]["canceled"] == number
    deleted = client.delete(batch)
    assert (deleted.status_code, deleted.data) == (202, b"")
    assert_problem(client.get(batch), 404, "batch-not-found")
    assert_problem(client.delete(batch), 404, "batch-not-found")
    batches.sweep()
    assert (client.get("/v1/jobs").json or {})["jobs"] == []
