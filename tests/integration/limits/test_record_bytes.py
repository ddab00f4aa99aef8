"""An owner's records take a limited number of bytes in Redis, however short the requests are."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.settings import Settings
from tests.access import as_owner
from tests.checks.agreement import assert_counters_agree
from tests.stacks.servers import configured
from tests.stacks.service import NDJSON, PAIR, accepted, assert_problem, post_lines, started

MOST = 2_000_000  # bytes that an owner's records may take here
JOBS = 500
MOST_UNCOUNTED = 1.2  # what Redis grows by, of what is counted


def long_urls(number: int) -> list[dict[str, str]]:
    return [{"url": f"https://example.org/{'x' * 2000}/{place}"} for place in range(number)]


def matrix(side: int) -> dict[str, Any]:
    return {"matrix": {"contents": long_urls(side), "styles": long_urls(side)}}


def as_lines(*lines: Any) -> str:
    return "\n".join(map(json.dumps, lines))


SHORT = {
    "a matrix of long URLs": matrix(18),
    "defaults": {
        "defaults": {**PAIR, "metadata": {f"note{place}": "x" * 500 for place in range(7)}},
        "jobs": [{}] * (JOBS // 4),
    },
    "short jobs": {"defaults": PAIR, "jobs": [{}] * JOBS},
    "tags": {
        "defaults": PAIR,
        "jobs": [{"tags": [f"{job}-{tag}" for tag in range(16)]} for job in range(JOBS // 4)],
    },
    "webhooks": {
        "defaults": {**PAIR, "webhook": {"url": f"https://hooks.example.org/{'x' * 1000}"}},
        "jobs": [{}] * JOBS,
    },
    "lines that are rejected": as_lines(PAIR, *[1] * 2000),
    "lines that are rejected for a long name": as_lines(PAIR, *[{"n" * 300: 1}] * 2000),
}


def post(client: FlaskClient, body: str | dict[str, Any]) -> TestResponse:
    if isinstance(body, str):
        return client.post("/v1/batches", data=body, content_type=NDJSON)
    return client.post("/v1/batches", json=body)


def record_bytes(client: FlaskClient) -> int:
    usage: Any = client.get("/v1/usage").json
    assert usage["record_bytes"]["limit"] == MOST
    return int(usage["record_bytes"]["used"])


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_record_bytes_per_owner": MOST})


@pytest.mark.parametrize("body", SHORT.values(), ids=SHORT)
def test_the_growth_of_redis_is_counted_and_all_of_it_goes_again(
    client: FlaskClient, connection: redis.Redis, body: str | dict[str, Any]
) -> None:
    with configured(connection, "hash-max-ziplist-value", "4096", "64"):  # as the service's own Redis is told
        accepted(post_lines(client, PAIR))
        before, counted = int(connection.info("memory")["used_memory"]), record_bytes(client)
        batch = accepted(post(client, body))
        grown = int(connection.info("memory")["used_memory"]) - before
    assert grown < MOST_UNCOUNTED * (record_bytes(client) - counted)
    assert_counters_agree(connection)
    client.post(batch["links"]["cancel"])
    client.delete(batch["links"]["self"])
    assert record_bytes(client) == counted


def test_a_short_request_that_makes_long_records_ends_at_the_quota(
    client: FlaskClient, connection: redis.Redis
) -> None:
    body = matrix(100)
    detail = assert_problem(post(client, body), 507, "quota-full")
    assert f"{MOST:,} bytes of records at a time (max_record_bytes_per_owner)" in detail
    assert record_bytes(client) == 0
    assert list(connection.scan_iter("sq:job:*")) == []


@pytest.mark.parametrize(
    "lines", [[PAIR, *[{"n" * 300: 1}] * 2000], [PAIR] * (MOST // 1500)], ids=["rejected", "accepted"]
)
def test_batches_one_after_another_end_at_the_quota(
    client: FlaskClient, connection: redis.Redis, lines: list[Any]
) -> None:
    answers = [post_lines(client, *lines) for _ in range(8)]
    codes = [answer.status_code for answer in answers]
    assert codes == sorted(codes), codes
    assert codes[-1] == 507
    assert record_bytes(client) <= MOST
    assert_counters_agree(connection)


def test_a_single_job_is_refused_at_the_quota_until_another_is_deleted(
    app: Flask, settings: Settings, connection: redis.Redis
) -> None:
    client = started(app, settings.model_copy(update={"max_record_bytes_per_owner": 5000}))
    first, _ = (accepted(client.post("/v1/jobs", json=PAIR)) for _ in range(2))
    refused = client.post("/v1/jobs", json=PAIR)
    assert "max_record_bytes_per_owner" in assert_problem(refused, 507, "quota-full")
    client.delete(first["links"]["self"])
    accepted(client.post("/v1/jobs", json=PAIR))
    assert_counters_agree(connection)


def test_one_owners_records_leave_others_their_room(app: Flask, settings: Settings) -> None:
    anna, bert = as_owner(app, "anna"), as_owner(app, "bert")
    assert_problem(post(anna, matrix(100)), 507, "quota-full")
    accepted(bert.post("/v1/jobs", json=PAIR))
