"""Every request has an id, the client's own if it is plain: in the response, in errors, and in the record."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shared.store.jobs import JobStore
from shared.store.redis.connection import connect
from tests.stacks.service import PAIR, accepted, post_lines

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("path", ["/healthz", "/v1/jobs", "/v1/jobs/none", "/nowhere", "/openapi.json"])
def test_every_answer_has_the_clients_id(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert client.get(path).headers["X-Request-Id"] not in ("", "mine-1")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/jobs/none"), ("GET", "/v1/jobs?limit=0"), ("PUT", "/v1/jobs"), ("GET", "/nowhere")],
)
def test_every_error_names_the_request(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, headers={"X-Request-Id": "mine-2"})
    assert answer.status_code >= 400
    assert (answer.json or {})["request_id"] == "mine-2"


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "-x", "\x1b[31m", "ü".encode("latin-1").decode("latin-1")])
def test_an_id_that_is_not_plain_is_replaced(client: FlaskClient, bad: str) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": bad})
    assert answer.headers["X-Request-Id"] == (answer.json or {})["request_id"] != bad


def test_a_jobs_record_keeps_the_request_and_its_trace(client: FlaskClient, redis_url: str) -> None:
    headers = {"X-Request-Id": "mine-3", "traceparent": PARENT, "tracestate": "a=1"}
    job = accepted(client.post("/v1/jobs", json=PAIR, headers=headers))
    batch = accepted(post_lines(client, PAIR, headers=headers))
    assert "origin" not in job
    connection = connect(redis_url)
    origin = JobStore(connection).get(job["id"]).origin
    assert origin is not None
    assert (origin.request_id, origin.trace and origin.trace.traceparent) == ("mine-3", PARENT)
    assert connection.hget(f"sq:batch:{batch['id']}", "origin") == f"mine-3 {PARENT} a=1"
    connection.close()


@pytest.mark.parametrize("parent", ["nonsense", PARENT.upper(), f"{PARENT}\t{PARENT}", "0" * 10_000])
def test_a_malformed_traceparent_changes_nothing(client: FlaskClient, redis_url: str, parent: str) -> None:
    headers = {"X-Request-Id": "mine-4", "traceparent": parent, "tracestate": "a=1"}
    job = accepted(client.post("/v1/jobs", json=PAIR, headers=headers))
    connection = connect(redis_url)
    assert connection.hget(f"sq:job:{job['id']}", "origin") == "mine-4"
    connection.close()
