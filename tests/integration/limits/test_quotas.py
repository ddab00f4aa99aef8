"""Quotas of a key: each kind of growth is refused at its quota, and possible again afterwards."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.redis.scripts import Scripts
from tests.access import as_owner
from tests.checks.agreement import assert_counters_agree
from tests.jobs import RESULT, finalize, let_time_pass, succeed
from tests.stacks.service import PAIR, accepted, assert_problem, post_lines, started

HOOK = "https://hooks.example.org/in"
MOST = 3


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    low = ("records_per_owner", "pending_webhooks", "announced_uploads", "idempotency_keys")
    return settings.model_copy(
        update={f"max_{name}": MOST for name in low} | {"max_stored_bytes_per_owner": 3 * RESULT.bytes}
    )


def used(client: FlaskClient) -> dict[str, int]:
    usage: dict[str, Any] = client.get("/v1/usage").json  # type: ignore[assignment]
    return {kind: amount["used"] for kind, amount in usage.items()}


def once() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def announce(client: FlaskClient, number: int = 0, size: int = 1) -> Any:
    file = {"sha256": sha256(b"%d" % number).hexdigest(), "bytes": size, "content_type": "image/png"}
    return client.post("/v1/uploads", json=file)


def test_records_are_kept_up_to_a_number_also_those_that_were_canceled(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    for _ in range(MOST):
        job = accepted(client.post("/v1/jobs", json=PAIR))
        client.post(job["links"]["cancel"])
    detail = assert_problem(client.post("/v1/jobs", json=PAIR), 507, "quota-full")
    assert "3 jobs and batches at a time, ended ones too (max_records_per_owner)" in detail
    assert_problem(post_lines(client, PAIR), 507, "quota-full")
    assert used(client)["records"] == MOST
    client.delete(job["links"]["self"])
    accepted(client.post("/v1/jobs", json=PAIR))
    assert_counters_agree(connection)


def test_batches_canceled_again_and_again_do_not_grow_without_end(
    client: FlaskClient, batches: Any, connection: redis.Redis
) -> None:
    batch = accepted(post_lines(client, PAIR))
    client.post(batch["links"]["cancel"])
    finalize(batches)
    assert_problem(post_lines(client, PAIR, PAIR), 507, "quota-full")
    assert used(client)["records"] == 2  # nothing of the refused one is left
    assert_counters_agree(connection)


def test_webhook_tests_pile_up_to_a_number(client: FlaskClient, connection: redis.Redis) -> None:
    answers = [client.post("/v1/webhooks/test", json={"url": HOOK}).status_code for _ in range(MOST + 2)]
    assert answers == [202] * MOST + [429] * 2
    refused = client.post("/v1/jobs", json={**PAIR, "webhook": {"url": HOOK}})
    assert "max_pending_webhooks" in assert_problem(refused, 429, "too-much-pending")
    assert refused.headers["Retry-After"]
    accepted(client.post("/v1/jobs", json=PAIR))  # without a webhook
    assert len(connection.keys("sq:delivery:*")) == used(client)["pending_webhooks"] == MOST


def test_uploads_are_announced_up_to_a_number_until_jobs_name_them_or_their_time_is_over(
    client: FlaskClient, connection: redis.Redis
) -> None:
    assert [announce(client, number).status_code for number in range(MOST)] == [200] * MOST
    assert "max_announced_uploads" in assert_problem(announce(client, 99), 429, "too-much-pending")
    assert announce(client, 0).status_code == 200  # the same one again
    let_time_pass(connection, "announced")
    assert used(client)["announced_uploads"] == 0
    assert announce(client, 98, size=3).status_code == 200


def test_idempotency_keys_are_remembered_up_to_a_number(client: FlaskClient, connection: redis.Redis) -> None:
    keys = [once() for _ in range(MOST)]
    jobs = [accepted(client.post("/v1/jobs", json=PAIR, headers=key)) for key in keys]
    for job in jobs:
        client.post(job["links"]["cancel"])
        client.delete(job["links"]["self"])
    refused = client.post("/v1/jobs", json=PAIR, headers=once())
    assert "max_idempotency_keys" in assert_problem(refused, 429, "too-much-pending")
    assert used(client)["idempotency_keys"] == MOST
    accepted(client.post("/v1/jobs", json=PAIR))
    let_time_pass(connection, "idempotent")
    accepted(client.post("/v1/jobs", json=PAIR, headers=once()))


def test_stored_bytes_are_counted_from_the_end_of_a_job_to_its_removal(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    jobs = [accepted(client.post("/v1/jobs", json=PAIR)) for _ in range(MOST)]
    succeed(store, *(job["id"] for job in jobs))
    assert used(client)["stored_bytes"] == 3 * RESULT.bytes
    client.delete(jobs[0]["links"]["self"])
    assert "max_stored_bytes_per_owner" in assert_problem(
        announce(client, 1, RESULT.bytes + 1), 507, "quota-full"
    )
    assert announce(client, 1, RESULT.bytes).status_code == 200
    assert_problem(client.post("/v1/jobs", json=PAIR), 507, "quota-full")
    assert_counters_agree(connection)
    let_time_pass(connection, "uploads")
    taken = Scripts(connection, ["lease_orphans"]).run("lease_orphans", 10, 1000, 1, 1)
    assert any(str(key).startswith("uploads/") for key in taken)
    assert used(client)["stored_bytes"] == 2 * RESULT.bytes


@pytest.mark.parametrize(
    "fill",
    [
        lambda client: [client.post("/v1/jobs", json=PAIR, headers=once()) for _ in range(MOST)],
        lambda client: [announce(client, number) for number in range(MOST)],
        lambda client: [client.post("/v1/webhooks/test", json={"url": HOOK}) for _ in range(MOST)],
    ],
)
def test_the_quotas_of_owners_are_independent(app: Flask, fill: Callable[[FlaskClient], Any]) -> None:
    anna, bert = as_owner(app, "anna"), as_owner(app, "bert")
    fill(anna)
    assert MOST in used(anna).values()
    assert set(used(bert).values()) == {0}
    assert [answer.status_code for answer in (announce(bert), bert.post("/v1/jobs", json=PAIR))] == [200, 202]


def test_a_request_sent_again_with_its_key_is_answered_also_at_the_quota(client: FlaskClient) -> None:
    key = once()
    job = accepted(client.post("/v1/jobs", json=PAIR, headers=key))
    for _ in range(MOST - 1):
        accepted(client.post("/v1/jobs", json=PAIR))
    assert accepted(client.post("/v1/jobs", json=PAIR, headers=key))["id"] == job["id"]


def test_records_of_an_older_version_count_and_their_bytes_are_not_counted(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    job = accepted(client.post("/v1/jobs", json=PAIR))
    succeed(store, job["id"])
    connection.hdel(f"sq:job:{job['id']}", "stored")
    connection.delete("sq:stored")
    assert (used(client)["records"], used(client)["stored_bytes"]) == (1, 0)
    client.delete(job["links"]["self"])
    assert set(used(client).values()) == {0}
    assert_counters_agree(connection)


def test_refusals_are_counted_by_kind(client: FlaskClient, app: Flask, settings: Settings) -> None:
    started(app, settings)
    for _ in range(MOST + 1):
        client.post("/v1/webhooks/test", json={"url": HOOK})
    lines = client.get("/metrics").text.splitlines()
    found = {line.split()[0] for line in lines if line.startswith("stylequeue_quota_refusals_total")}
    kinds = ("records", "stored", "record_bytes", "deliveries", "announced", "keys")
    assert found == {f'stylequeue_quota_refusals_total{{quota="{kind}"}}' for kind in kinds}
