"""GET /v1/usage with an account: what an owner's jobs took, by day and by key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner
from tests.jobs import RESULT, succeed
from tests.stacks.service import PAIR, accepted, assert_problem, post_lines

QUOTAS = [
    "records",
    "pending_webhooks",
    "idempotency_keys",
    "announced_uploads",
    "stored_bytes",
    "record_bytes",
]
PIXELS = RESULT.width * RESULT.height


def account(client: FlaskClient, **query: str) -> dict[str, Any]:
    response = client.get("/v1/usage", query_string=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = (response.json or {})["account"]
    return found


def test_jobs_and_batches_count_for_the_key_that_sent_them(app: Flask, store: JobStore) -> None:
    anna, other_key = as_owner(app, "anna"), as_owner(app, "anna")
    job_id = accepted(anna.post("/v1/jobs", json=PAIR))["id"]
    accepted(post_lines(other_key, PAIR, PAIR))
    succeed(store, *(job["id"] for job in (anna.get("/v1/jobs").json or {})["jobs"]))
    by_key = account(anna, by="key")
    assert [row["succeeded"] for row in by_key["rows"]] == [2, 1]
    own = (anna.get("/v1/session").json or {})["key_id"]
    assert by_key["rows"][1]["key_id"] == own
    today = datetime.now(UTC).date()
    by_day = account(anna, by="day")
    assert [(row["day"], row["pixels"]) for row in by_day["rows"]] == [(str(today), 3 * PIXELS)]
    assert (by_day["first_day"], by_day["last_day"]) == (str(today - timedelta(days=29)), str(today))
    assert by_day["total"] == by_key["total"]
    job = anna.get(f"/v1/jobs/{job_id}").json or {}
    assert job["device_seconds"] is None  # nothing was measured in this test


def test_the_usage_of_before_is_what_a_request_without_days_gets(app: Flask) -> None:
    usage = as_owner(app, "anna").get("/v1/usage").json or {}
    assert list(usage) == QUOTAS
    assert {tuple(amount) for amount in usage.values()} == {("used", "limit")}


def test_an_account_is_its_owners_and_the_admins(app: Flask, store: JobStore) -> None:
    anna = as_owner(app, "anna")
    succeed(store, accepted(anna.post("/v1/jobs", json=PAIR))["id"])
    bert, admin = as_owner(app, "bert"), as_owner(app, "root", Scope.ADMIN)
    assert account(bert, by="day")["rows"] == []
    assert_problem(bert.get("/v1/usage?by=day&owner=anna"), 403, "forbidden")
    assert account(admin, by="day", owner="anna")["total"]["succeeded"] == 1


@pytest.mark.parametrize(
    ("query", "pointer", "sentence"),
    [
        (
            {"from": "2026-02-02", "to": "2026-02-01"},
            "/from",
            "'from' (2026-02-02) is after 'to' (2026-02-01)",
        ),
        ({"from": "2025-01-01", "to": "2026-12-31"}, "/from", "are 730 days; the most are 400"),
        ({"from": "2026-1-1"}, "/from", ""),
        ({"to": "9999-99-99"}, "/to", ""),
        ({"by": "owner"}, "/by", ""),
    ],
)
def test_a_wrong_span_is_refused_with_its_name(
    app: Flask, query: dict[str, str], pointer: str, sentence: str
) -> None:
    response = as_owner(app, "anna").get("/v1/usage", query_string=query)
    assert sentence in assert_problem(response, 422, "invalid-parameter", pointer)


def test_the_first_days_there_are_can_be_asked_for(app: Flask) -> None:
    assert account(as_owner(app, "anna"), to="0001-01-01")["rows"] == []
