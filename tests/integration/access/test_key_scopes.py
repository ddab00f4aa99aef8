"""The reach of each key: scopes, lanes and expiry, on a real Redis."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from tests.access import as_owner, routes
from tests.stacks.servers import wait_until
from tests.stacks.service import PAIR, PICTURE, accepted, assert_problem, post_lines

JOB = "/v1/jobs"
FOR_METRICS = {
    ("GET", "/metrics"),
    ("GET", "/v1/capabilities"),
    ("GET", "/v1/queue"),
    ("GET", "/v1/queue/scale"),
    ("GET", "/v1/queue/recent"),
    ("GET", "/v1/stats"),
}
HIGH = {**PAIR, "lane": "high"}
SOON = timedelta(seconds=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def without_high(app: Flask) -> FlaskClient:
    return as_owner(app, "anna", lanes=(Lane.NORMAL, Lane.BULK))


def test_a_viewer_reads_what_the_owner_has_and_changes_nothing(app: Flask) -> None:
    owner, viewer = as_owner(app, "anna"), as_owner(app, "anna", Scope.VIEWER)
    batch = accepted(post_lines(owner, PAIR))
    job = (owner.get(f"/v1/batches/{batch['id']}/jobs").json or {})["jobs"][0]
    before = owner.get(JOB).json
    for method, path in routes(app):
        response = viewer.open(
            path.replace("<job_id>", job["id"]).replace("<batch_id>", batch["id"]), method=method
        )
        if method != "GET" or path == "/v1/webhooks/secret":
            assert_problem(response, 403, "forbidden")
    assert owner.get(JOB).json == before
    for path in (JOB, f"{JOB}/{job['id']}", f"/v1/batches/{batch['id']}", "/v1/dead-letters", "/v1/queue"):
        assert viewer.get(path).status_code == 200, path
    assert as_owner(app, "bert", Scope.VIEWER).get(f"{JOB}/{job['id']}").status_code == 404


def test_a_key_for_metrics_reads_counts_and_no_job(app: Flask) -> None:
    metrics = as_owner(app, "prometheus", Scope.METRICS)
    let_in = {
        (method, path) for method, path in routes(app) if metrics.open(path, method=method).status_code != 403
    }
    assert let_in == FOR_METRICS
    assert metrics.get("/metrics").status_code == metrics.get("/v1/queue/scale").status_code == 200
    assert metrics.get("/v1/nothing").status_code == 404


def test_a_job_in_a_lane_that_the_key_may_not_use_is_refused(without_high: FlaskClient) -> None:
    detail = assert_problem(without_high.post(JOB, json=HIGH), 403, "lane-not-allowed", "/lane")
    assert "normal, bulk" in detail
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": (BytesIO(PICTURE), "b.jpg"), "lane": "high"}
    assert_problem(without_high.post(JOB, data=form), 403, "lane-not-allowed", "/lane")
    accepted(without_high.post(JOB, json=PAIR))
    assert len((without_high.get(JOB).json or {})["jobs"]) == 1


def test_lines_in_a_lane_that_the_key_may_not_use_are_rejected(without_high: FlaskClient) -> None:
    batch = accepted(post_lines(without_high, PAIR, HIGH))
    assert (batch["total"], batch["rejected"]) == (1, 1)
    (line,) = batch["rejected_lines"]
    assert (line["line"], line["code"], line["pointer"]) == (2, "lane-not-allowed", "/lane")
    all_high = json.dumps({"jobs": [PAIR], "defaults": {"lane": "high"}})
    response = without_high.post("/v1/batches", data=all_high, content_type="application/json")
    assert_problem(response, 422, "batch-rejected")


def test_a_batch_does_not_go_to_a_lane_that_the_key_may_not_use(without_high: FlaskClient) -> None:
    batch = accepted(post_lines(without_high, PAIR))["links"]["self"]
    refused = without_high.post(f"{batch}/lane", json={"lane": "high"})
    assert_problem(refused, 403, "lane-not-allowed", "/lane")
    assert without_high.post(f"{batch}/lane", json={"lane": "normal"}).status_code == 200


def test_a_key_without_lanes_of_its_own_may_use_all(app: Flask) -> None:
    assert accepted(as_owner(app, "anna").post(JOB, json=HIGH))["lane"] == "high"


def test_an_expired_key_is_401_with_the_reason_also_in_a_process_that_knew_it(app: Flask) -> None:
    client = as_owner(app, "anna", expires_at=datetime.now(UTC) + SOON)
    assert client.get(JOB).status_code == 200
    wait_until(lambda: client.get(JOB).status_code == 401, 5, "the end of the key")
    assert "expired at 20" in assert_problem(client.get(JOB), 401, "unauthenticated")


def test_a_service_whose_last_key_expired_is_not_open_to_its_machine(app: Flask) -> None:
    as_owner(app, "anna", expires_at=LONG_AGO)
    assert_problem(app.test_client().get(JOB), 401, "unauthenticated")
