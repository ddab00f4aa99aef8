"""Small requests: their cost is bounded by their bytes, whatever they say."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.http.errors import MOST_ERRORS
from api.intake.batch_intake import DEFAULT_BYTES_PER_JOB
from api.intake.batch_lines import MAX_DEFAULTS_BYTES
from shared.redaction import SHOWN_CHARACTERS
from shared.settings import Settings
from shared.store.redis.connection import connect
from tests.stacks.service import NDJSON, PAIR, assert_problem, started

BYTES = 500_000  # of each request, about
MOST_TIMES_HONEST = 1.5  # of the time that as many bytes of good lines take
MOST_ANSWER_BYTES = 100_000
FEW = 500
ONES = [1] * (BYTES // 3)
WORDS = {f"word{number}": 1 for number in range(BYTES // 14)}
EMPTY = [{}] * (BYTES // 4)

Send = Callable[[FlaskClient], TestResponse]


def as_json(path: str, body: Any) -> Send:
    text = json.dumps(body)
    return lambda client: client.post(path, data=text, content_type="application/json")


def as_lines(*lines: Any) -> Send:
    text = "\n".join(map(json.dumps, lines))
    return lambda client: client.post("/v1/batches", data=text, content_type=NDJSON)


HONEST = as_lines(*[PAIR] * (BYTES // len(json.dumps(PAIR))))
HOSTILE = {
    "numbers for jobs": as_json("/v1/batches", {"jobs": ONES}),
    "objects for jobs": as_json("/v1/batches", {"jobs": EMPTY}),
    "numbers for contents": as_json("/v1/batches", {"matrix": {"contents": ONES, "styles": [PAIR["style"]]}}),
    "objects for styles": as_json(
        "/v1/batches", {"matrix": {"contents": [PAIR["content"]], "styles": EMPTY}}
    ),
    "objects below a prefix": as_json("/v1/batches", {"content_prefix": "s3://a-bucket/", "styles": EMPTY}),
    "unknown members of a batch": as_json("/v1/batches", {"jobs": [PAIR], **WORDS}),
    "tags": as_json("/v1/jobs", {**PAIR, "tags": ONES}),
    "styles": as_json("/v1/jobs", {"content": PAIR["content"], "styles": EMPTY}),
    "unknown members of a job": as_json("/v1/jobs", PAIR | WORDS),
    "notes": as_json("/v1/jobs", PAIR | {"metadata": WORDS}),
    "a line of tags": as_lines({**PAIR, "tags": ONES}),
    "a line of unknown members": as_lines(PAIR | WORDS),
    "one long name": as_lines({"n" * BYTES: 1}),
    "many lines that are wrong in all ways": as_lines(*[{"tags": [1] * 16} | dict.fromkeys("abcdef")] * 5000),
}


def cost(send: Send, client: FlaskClient) -> tuple[float, TestResponse]:
    began = time.thread_time()
    response = send(client)
    return time.thread_time() - began, response


@pytest.fixture(scope="module")
def honest_seconds(module_app: Flask, settings: Settings) -> float:
    connect(settings.redis_url).flushdb()  # removes the keys of other tests
    client = started(module_app, settings)
    costs = [cost(HONEST, client) for _ in range(2)]
    assert [response.status_code for _, response in costs] == [202, 202]
    return min(seconds for seconds, _ in costs)


@pytest.fixture
def few_jobs(app: Flask, settings: Settings) -> FlaskClient:
    """A service whose batches may have FEW jobs at most."""
    return started(app, settings.model_copy(update={"max_batch_jobs": FEW}))


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_request_costs_no_more_than_an_honest_one_of_its_size(
    honest_seconds: float, client: FlaskClient, hostile: Send
) -> None:
    seconds, response = min((cost(hostile, client) for _ in range(2)), key=lambda found: found[0])
    assert 400 <= response.status_code < 500, response.status_code
    assert len(response.data) < MOST_ANSWER_BYTES
    assert len(response.json["errors"]) <= MOST_ERRORS
    assert seconds < MOST_TIMES_HONEST * honest_seconds


DENSE = {
    "lists in jobs": {"jobs": [{"tags": [[]] * 190}] * (BYTES // 770)},
    "objects in jobs": {"jobs": [{"tags": [{"a": 1}] * 70}] * (BYTES // 720)},
    "objects for jobs": {"jobs": [{}] * (BYTES // 4)},
    "lists for contents": {"matrix": {"contents": [[]] * (BYTES // 4), "styles": [PAIR["style"]]}},
}


@pytest.mark.parametrize("body", DENSE.values(), ids=DENSE)
def test_many_small_values_take_no_more_memory_than_their_text(few_jobs: FlaskClient, body: Any) -> None:
    text = json.dumps(body, separators=(",", ":"))
    tracemalloc.start()
    try:
        response = few_jobs.post("/v1/batches", data=text, content_type="application/json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "values in the JSON" in assert_problem(response, 422, "invalid-parameter", "")
    assert peak < 4 * len(text)


LEVELS = 700  # fewer than the JSON parser takes


@pytest.mark.parametrize(
    "innermost", ['{"a":1}', '{"a":1,"a":2}', str([[1]] * 1001)], ids=["", "twice", "many"]
)
def test_a_long_name_is_not_copied_for_each_level_below_it(client: FlaskClient, innermost: str) -> None:
    text = f'{{"{"n" * (BYTES // 5)}":' + '{"a":' * LEVELS + innermost + "}" * (LEVELS + 1)
    tracemalloc.start()
    try:
        response = client.post("/v1/jobs", data=text, content_type="application/json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 400 <= response.status_code < 500
    assert len(response.data) < MOST_ANSWER_BYTES
    assert peak < 50 * len(text)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/uploads", "/v1/batches"])
def test_many_small_values_are_refused_wherever_json_is_read(client: FlaskClient, path: str) -> None:
    text = json.dumps({**PAIR, "tags": [[{}] * 900] * 30}, separators=(",", ":"))
    if path == "/v1/batches":
        rejected = client.post(path, data=text, content_type=NDJSON).json["errors"]
        assert ["values in the JSON" in error["detail"] for error in rejected] == [True]
    else:
        response = client.post(path, data=text, content_type="application/json")
        assert "values in the JSON" in assert_problem(response, 422, "invalid-parameter", "")


def test_errors_cut_what_a_client_wrote(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json=PAIR | {"params": {"n" * 10_000: 1}})
    assert response.status_code == 422
    assert [len(error["pointer"]) for error in response.json["errors"]] == [SHOWN_CHARACTERS]


def test_long_defaults_are_refused_because_every_record_has_them(
    client: FlaskClient, connection: redis.Redis
) -> None:
    long = {"metadata": {f"note{number}": "x" * 500 for number in range(16)}}
    body = {"defaults": long, "jobs": [PAIR] * 2000}
    response = client.post("/v1/batches", json=body)
    assert f"{MAX_DEFAULTS_BYTES:,}" in assert_problem(response, 422, "invalid-parameter", "/defaults")
    assert list(connection.scan_iter("sq:job:*")) == []


def test_defaults_do_not_make_records_much_larger_than_jobs_that_were_sent(
    few_jobs: FlaskClient, connection: redis.Redis
) -> None:
    def grown(body: dict[str, Any]) -> int:
        connection.flushdb()
        accepted = few_jobs.post("/v1/batches", json=body)
        assert accepted.status_code == 202, accepted.text
        return sum(int(connection.memory_usage(key, samples=0)) for key in connection.scan_iter())

    long = {**PAIR, "metadata": {f"note{number}": "x" * 500 for number in range(7)}}
    most = DEFAULT_BYTES_PER_JOB * FEW // len(json.dumps(long))
    assert grown({"defaults": long, "jobs": [{}] * most}) < 2 * grown({"jobs": [PAIR] * FEW})
    refused = few_jobs.post("/v1/batches", json={"defaults": long, "jobs": [{}] * FEW})
    assert "bytes of defaults" in assert_problem(refused, 422, "invalid-parameter", "")
    assert len(list(connection.scan_iter("sq:job:*"))) == FEW  # those of the batch before


@pytest.mark.parametrize("events", [["job.failed"] * 1000, ["job.failed"] * 5])
def test_a_webhook_names_each_end_once(client: FlaskClient, events: list[str]) -> None:
    webhook = {"url": "https://example.org/hook", "events": events}
    assert_problem(
        client.post("/v1/jobs", json=PAIR | {"webhook": webhook}), 422, "invalid-parameter", "/webhook/events"
    )
    twice = PAIR | {"webhook": webhook | {"events": ["job.failed", "job.expired", "job.failed"]}}
    stored = client.get(client.post("/v1/jobs", json=twice).headers["Location"]).json
    assert stored["webhook"]["events"] == ["job.failed", "job.expired"]


def test_rejected_lines_are_cut_and_paged(client: FlaskClient) -> None:
    lines = [json.dumps({"n" * 100_000: 1, "custom_id": f"line {number}"}) for number in range(30)]
    body = "\n".join([json.dumps(PAIR), *lines])
    batch = client.post("/v1/batches", data=body, content_type=NDJSON)
    assert len(batch.data) < MOST_ANSWER_BYTES
    url = batch.json["links"]["rejected"]
    first = client.get(url, query_string={"limit": 10}).text.splitlines()
    rest = client.get(url, query_string={"after": json.loads(first[-1])["line"]}).text.splitlines()
    assert [json.loads(line)["line"] for line in first + rest] == list(range(2, 32))
