"""Batches that are refused as a whole, and requests that are sent again, over HTTP."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.idempotency import Idempotency
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from tests.integration.batches.batch_requests import BATCHES, assert_nothing_left
from tests.stacks.service import (
    NDJSON,
    OWNER,
    PAIR,
    accepted,
    assert_problem,
    ndjson,
    post_lines,
    sha256,
    started,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


def limited(app: Flask, settings: Settings, **changes: Any) -> FlaskClient:
    return started(app, settings.model_copy(update=changes))


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 422, "invalid-parameter", ""),
        ([], 422, "invalid-parameter", ""),
        ({"jobs": []}, 422, "invalid-parameter", "/jobs"),
        ({"jobs": [5]}, 422, "invalid-parameter", "/jobs/0"),
        ({"jobs": [PAIR], "matrix": {}}, 422, "invalid-parameter", "/matrix"),
        ({"jobs": [PAIR], "metadata": {"k": 5}}, 422, "invalid-parameter", "/metadata/k"),
        ({"matrix": {"contents": [], "styles": []}}, 422, "invalid-parameter", "/matrix/contents"),
        ({"matrix": {"contents": [{}], "styles": [{}]}}, 422, "invalid-parameter", "/matrix/contents/0"),
        ({"input_url": "https://example.org/lines"}, 422, "invalid-parameter", "/input_url"),
        ({"input_url": "s3://secrets/lines"}, 403, "url-not-allowed", "/input_url"),
        (
            {"input_url": f"s3://stylequeue/uploads/{OWNER}/none"},
            422,
            "invalid-parameter",
            "/input_url",
        ),
        ({"content_prefix": "s3://stylequeue/", "styles": []}, 422, "invalid-parameter", "/styles"),
        (
            {"content_prefix": "s3://stylequeue/", "styles": [PAIR["style"]]},
            403,
            "url-not-allowed",
            "/content_prefix",
        ),
        (
            {"content_prefix": f"s3://stylequeue/uploads/{OWNER}/none/", "styles": [PAIR["style"]]},
            422,
            "invalid-parameter",
            "",
        ),
    ],
)
def test_a_wrong_batch_is_refused_as_a_whole_with_its_pointer(
    client: FlaskClient, connection: redis.Redis, body: Any, status: int, code: str, pointer: str
) -> None:
    assert_problem(client.post(BATCHES, json=body), status, code, pointer)
    assert_nothing_left(client, connection)


def test_a_body_that_is_no_json_is_malformed(client: FlaskClient) -> None:
    assert_problem(client.post(BATCHES, data=b"{", content_type="application/json"), 400, "malformed-json")


def test_a_batch_with_too_many_lines_is_refused(
    app: Flask, settings: Settings, connection: redis.Redis
) -> None:
    client = limited(app, settings, max_batch_jobs=250)
    assert accepted(post_lines(client, *[PAIR] * 249, b"{"))["total"] == 249
    connection.flushdb()
    for query in ({}, {"atomic": "true"}):
        response = post_lines(client, *[PAIR] * 251, query_string=query)
        assert "250 jobs (max_batch_jobs)" in assert_problem(response, 422, "invalid-parameter", "")
        assert_nothing_left(client, connection)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("content_type", "named"), [(NDJSON, "max_batch_bytes"), ("application/json", "max_batch_json_bytes")]
)
def test_a_body_over_the_limit_is_refused_and_the_setting_is_named(
    app: Flask, settings: Settings, connection: redis.Redis, content_type: str, named: str, *, chunked: bool
) -> None:
    client = limited(app, settings, **{named: 3000})
    body = json.dumps({"jobs": [PAIR] * 10}).encode() if named == "max_batch_json_bytes" else ndjson(PAIR)
    for size, status in ((3000, 202), (3001, 413)):
        connection.flushdb()
        padded = body + b" " * (size - len(body) - 1) + b"\n"
        options: dict[str, Any] = {"data": padded}
        if chunked:
            options = {"input_stream": io.BytesIO(padded)}
            options["environ_overrides"] = {"wsgi.input_terminated": True}
        response = client.post(BATCHES, content_type=content_type, **options)
        assert response.status_code == status, response.text
    assert f"3,000 bytes ({named})" in assert_problem(response, 413, "body-too-large")
    assert_nothing_left(client, connection)


def test_an_input_over_the_limit_is_refused_and_the_setting_is_named(
    app: Flask, settings: Settings, storage: Storage, connection: redis.Redis
) -> None:
    client = limited(app, settings, max_batch_bytes=3000)
    key = f"uploads/{OWNER}/large.ndjson"
    storage.put(key, ndjson(*[PAIR] * 40), NDJSON)
    response = client.post(BATCHES, json={"input_url": f"s3://{settings.s3_bucket}/{key}"})
    detail = assert_problem(response, 413, "body-too-large", "/input_url")
    assert "3,000 bytes (max_batch_bytes)" in detail
    assert_nothing_left(client, connection)


@pytest.mark.parametrize("setting", ["max_queued_per_owner", "max_queued"])
def test_a_batch_that_finds_no_room_in_the_queue_is_refused_whole(
    app: Flask, settings: Settings, connection: redis.Redis, setting: str
) -> None:
    client = limited(app, settings, **{setting: 300})
    response = post_lines(client, *[PAIR] * 301, headers={"Idempotency-Key": "k"})
    detail = assert_problem(response, 429, "queue-full")
    assert "300" in detail
    assert f"({setting})" in detail
    assert response.headers["Retry-After"] == "5"
    assert_nothing_left(client, connection)
    assert accepted(post_lines(client, *[PAIR] * 300, headers={"Idempotency-Key": "k"}))["total"] == 300
    assert_problem(client.post("/v1/jobs", json=PAIR), 429, "queue-full")


def test_an_idempotency_key_makes_one_batch_of_many_submissions(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "mine"}
    first = accepted(post_lines(client, PAIR, headers=key))
    assert accepted(post_lines(client, PAIR, headers=key))["id"] == first["id"]
    for response in (
        post_lines(client, PAIR, PAIR, headers=key),
        post_lines(client, PAIR, headers=key, query_string={"atomic": "true"}),
        client.post(BATCHES, json={"jobs": [PAIR]}, headers=key),
        client.post("/v1/jobs", json=PAIR, headers=key),
    ):
        assert_problem(response, 422, "idempotency-key-reused")
    assert accepted(post_lines(client, PAIR, headers={"Idempotency-Key": "other"}))["id"] != first["id"]
    client.post(first["links"]["cancel"])
    assert len((client.get(BATCHES).json or {})["batches"]) == 2


def test_the_same_request_while_the_first_is_read_is_told_to_come_later(
    client: FlaskClient, batches: BatchStore
) -> None:
    digest = sha256(ndjson(PAIR))
    batch_id, _ = batches.begin(OWNER, {}, Idempotency.with_digest(OWNER, "mine", digest))
    key = {"Idempotency-Key": "mine"}
    response = post_lines(client, PAIR, headers=key)
    assert_problem(response, 409, "idempotency-in-progress")
    assert response.headers["Retry-After"] == "5"
    batches.discard(batch_id)
    accepted(post_lines(client, PAIR, headers=key))


def test_a_refused_request_may_be_mended_and_sent_with_the_same_key(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "mine"}
    assert_problem(post_lines(client, b"{", headers=key), 422, "batch-rejected")
    accepted(post_lines(client, PAIR, headers=key))
