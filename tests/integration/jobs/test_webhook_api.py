"""Webhooks over the API: accepted targets, what is shown, and owners."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from tests.access import as_owner
from tests.jobs import finalize, next_millisecond, succeed
from tests.stacks.service import (
    NDJSON,
    PAIR,
    accepted,
    assert_problem,
    give_up,
    jobs_of,
    ndjson,
    post_lines,
)

HOOK = "https://hooks.example.org/in"
INSIDE = "http://127.0.0.1:8080/in"
LOG, SECRET = "/v1/webhooks/deliveries", "/v1/webhooks/secret"


def log(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"{LOG}?{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = (response.json or {})["deliveries"]
    return found


def test_a_jobs_webhook_is_shown_and_its_delivery_is_found_by_the_job(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    wanted = {"url": HOOK, "events": ["job.failed"]}
    job = accepted(client.post("/v1/jobs", json={**PAIR, "webhook": wanted}))
    other = accepted(client.post("/v1/jobs", json={**PAIR, "webhook": {"url": HOOK}}))
    assert job["webhook"] == wanted
    assert len(other["webhook"]["events"]) == 4
    give_up(store, job["id"])
    next_millisecond(connection)  # deliveries are in the order of ends
    succeed(store, other["id"])
    (delivery,) = log(client, f"job_id={job['id']}")
    assert (delivery["type"], delivery["status"], delivery["url"]) == ("job.failed", "pending", HOOK)
    assert (delivery["job_id"], delivery["batch_id"], delivery["attempts"]) == (job["id"], None, 0)
    assert [each["job_id"] for each in log(client, "limit=1")] == [other["id"]]
    assert log(client, "status=failed") == []
    seen = client.get(f"{LOG}/{delivery['id']}").json or {}
    assert seen == {**delivery, "log": []}
    again = client.post(f"{LOG}/{delivery['id']}/redeliver")
    assert again.status_code == 202
    assert_problem(client.get(f"{LOG}/msg_0"), 404, "delivery-not-found")


def test_a_form_may_have_one_too(client: FlaskClient) -> None:
    form = {**_form(), "webhook": f'{{"url": "{HOOK}"}}'}
    response = client.post("/v1/jobs", data=form, content_type="multipart/form-data")
    assert accepted(response)["webhook"]["url"] == HOOK


def _form() -> dict[str, Any]:
    return {name: f'{{"url": "https://example.org/{name}.jpg"}}' for name in ("content", "style")}


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (INSIDE, 403, "url-not-allowed"),
        ("https://169.254.169.254/latest", 403, "url-not-allowed"),
        ("https://user:secret@hooks.example.org/", 403, "url-not-allowed"),
        ("s3://bucket/key", 422, "invalid-parameter"),
    ],
)
def test_a_forbidden_webhook_target_is_refused_with_its_pointer(
    client: FlaskClient, url: str, status: int, code: str
) -> None:
    webhook = {"url": url}
    assert_problem(client.post("/v1/jobs", json={**PAIR, "webhook": webhook}), status, code, "/webhook/url")
    batch = client.post("/v1/batches", json={"jobs": [PAIR], "webhook": webhook})
    assert (batch.status_code, (batch.json or {})["code"]) == (status, code)
    assert str((batch.json or {})["pointer"]).endswith("/webhook/url")
    assert_problem(client.post("/v1/webhooks/test", json=webhook), status, code, "/url")
    lines = accepted(post_lines(client, PAIR, {**PAIR, "webhook": webhook}))
    assert lines["rejected_lines"][0]["pointer"] == "/webhook/url"
    assert log(client) == []


def test_an_unknown_event_is_refused(client: FlaskClient) -> None:
    webhook = {"url": HOOK, "events": ["job.done"]}
    response = client.post("/v1/jobs", json={**PAIR, "webhook": webhook})
    assert_problem(response, 422, "invalid-parameter", "/webhook/events/0")


def test_a_batch_says_it_in_its_json_and_its_jobs_by_the_defaults(
    client: FlaskClient, store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    body = {
        "jobs": [PAIR, PAIR],
        "defaults": {"webhook": {"url": HOOK, "events": ["job.failed"]}},
        "webhook": {"url": HOOK + "/batch"},
    }
    batch = accepted(client.post("/v1/batches", json=body))
    assert batch["webhook"]["url"] == HOOK + "/batch"
    first, second = (job["id"] for job in jobs_of(client, batch))
    succeed(store, first)
    give_up(store, second)
    next_millisecond(connection)  # deliveries are in the order of ends
    finalize(batches)
    assert [each["type"] for each in log(client)] == ["batch.completed", "job.failed"]
    assert [each["type"] for each in log(client, f"batch_id={batch['id']}")] == ["batch.completed"]


def test_ndjson_says_it_in_headers_which_belong_to_the_idempotency_key(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    key = {"Idempotency-Key": "1"}
    told = {**key, "Webhook-Url": HOOK, "Webhook-Events": "batch.completed, batch.failed"}
    batch = accepted(post_lines(client, PAIR, headers=told))
    assert batch["webhook"] == {"url": HOOK, "events": ["batch.completed", "batch.failed"]}
    assert accepted(post_lines(client, PAIR, headers=told))["id"] == batch["id"]
    assert_problem(post_lines(client, PAIR, headers=key), 422, "idempotency-key-reused")
    client.post(f"/v1/batches/{batch['id']}/cancel")
    finalize(batches)
    assert log(client) == []  # canceled was not among the events
    for wrong, status in (({"Webhook-Url": INSIDE}, 403), ({"Webhook-Url": "x"}, 422)):
        response = client.post("/v1/batches", data=ndjson(PAIR), content_type=NDJSON, headers=wrong)
        assert response.status_code == status, response.text
    assert post_lines(client, PAIR, headers={"Webhook-Events": "batch.completed"}).status_code == 422


def test_an_idempotency_key_includes_the_webhook(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "1"}
    client.post("/v1/jobs", json=PAIR, headers=key)
    response = client.post("/v1/jobs", json={**PAIR, "webhook": {"url": HOOK}}, headers=key)
    assert_problem(response, 422, "idempotency-key-reused")


def test_a_test_is_in_the_log(client: FlaskClient) -> None:
    made = accepted(client.post("/v1/webhooks/test", json={"url": HOOK}))
    assert (made["type"], made["job_id"], made["batch_id"]) == ("webhook.test", None, None)
    assert [each["id"] for each in log(client)] == [made["id"]]


def test_each_owner_has_a_secret_which_no_cache_keeps(module_app: Flask, client: FlaskClient) -> None:
    anna, bert = as_owner(module_app, "anna"), as_owner(module_app, "bert")
    first = anna.get(SECRET)
    assert first.headers["Cache-Control"] == "no-store"
    secret = (first.json or {})["secret"]
    assert secret.startswith("whsec_")
    assert (anna.get(SECRET).json or {})["secret"] == secret
    assert (bert.get(SECRET).json or {})["secret"] != secret
    rotated = anna.post(f"{SECRET}/rotate").json or {}
    assert rotated["secret"] != secret
    assert rotated["old_secret_signs_until"]
    assert anna.get(SECRET).json == rotated
