"""The original method over HTTP, on a real Redis and a real S3 server; the tests play the worker."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.object_keys import preview_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import Claim, JobStore
from shared.wire.batch_records import BatchView
from shared.wire.descriptors import Lane
from shared.wire.loss_records import CurvePoint, JobProgress
from shared.wire.records import JobView
from tests.access import as_owner
from tests.jobs import LEASE_SECONDS, RESULT, claimed, end_job
from tests.losses import OPTIMIZATION, report
from tests.stacks.service import (
    NDJSON,
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    ndjson,
    post_lines,
)
from worker.upkeep.finalizer import Finalizer

LIMIT = 512
OPTIMIZE: dict[str, Any] = {**PAIR, "params": {"method": "optimize"}}
TOO_LARGE: dict[str, Any] = {**PAIR, "params": {"method": "optimize", "max_side": LIMIT + 1}}
REFUSAL = "With method 'optimize' max_side may be 512 at most (optimize_max_side); it is 513"
STEP = JobProgress(
    stage="optimize",
    fraction=0.5,
    iteration=75,
    iterations=150,
    losses=CurvePoint(iteration=75, content=1.5, style=2.5, total=4.0),
)


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"optimize_max_side": LIMIT})


def submitted(client: FlaskClient, **params: Any) -> str:
    job = accepted(client.post("/v1/jobs", json={**PAIR, "params": {"method": "optimize", **params}}))
    return str(job["id"])


def tell(store: JobStore, claim: Claim, *, preview: bool) -> None:
    store.renew([claim], LEASE_SECONDS, {claim.token: STEP.model_copy(update={"preview": preview})})


def look(client: FlaskClient, job_id: str) -> JobView:
    return JobView.model_validate_json(client.get(f"/v1/jobs/{job_id}").data)


# --- progress and the picture so far -------------------------------------------------------------------


def test_a_minimization_waits_in_its_lane_and_its_progress_is_in_its_body(
    client: FlaskClient, store: JobStore
) -> None:
    job_id = submitted(client)
    waiting = look(client, job_id)
    assert (waiting.lane, waiting.progress) == (Lane.OPTIMIZE, None)
    assert str(waiting.links.preview).endswith(f"/v1/jobs/{job_id}/preview")
    claim = claimed(store, job_id)
    before = client.get(f"/v1/jobs/{job_id}")
    unchanged = client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": before.headers["ETag"]})
    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    tell(store, claim, preview=False)
    changed = client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": before.headers["ETag"]})
    assert changed.status_code == HTTPStatus.OK
    assert JobView.model_validate_json(changed.data).progress == STEP
    (listed,) = (client.get("/v1/jobs?status=running").json or {})["jobs"]
    assert listed["progress"]["iteration"] == 75


def test_the_preview_is_there_once_the_worker_says_so_and_then_the_result(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job_id = submitted(client)
    path = f"/v1/jobs/{job_id}/preview"
    assert_problem(client.get(path), 409, "no-preview")
    claim = claimed(store, job_id)
    tell(store, claim, preview=False)
    assert_problem(client.get(path), 409, "no-preview")
    storage.put(preview_key(OWNER, job_id), b"so far", "image/jpeg")
    tell(store, claim, preview=True)
    assert picture_behind(client, path) == b"so far"
    result = RESULT.model_copy(update={"losses": report(2.0, 1.0), "optimization": OPTIMIZATION})
    storage.put(result.key, PICTURE, result.content_type)
    end_job(store, claim, result)
    assert picture_behind(client, path) == PICTURE
    ended = look(client, job_id)
    assert ended.progress is None
    assert ended.result is not None
    assert ended.result.losses == result.losses
    assert ended.result.optimization == OPTIMIZATION


def picture_behind(client: FlaskClient, path: str) -> bytes:
    response = client.get(path)
    assert (response.status_code, response.headers["Cache-Control"]) == (HTTPStatus.SEE_OTHER, "no-store")
    return httpx.get(response.headers["Location"]).raise_for_status().content


def test_one_that_failed_says_why_it_has_no_preview(client: FlaskClient, store: JobStore) -> None:
    job_id = submitted(client)
    client.post(f"/v1/jobs/{job_id}/cancel")
    detail = assert_problem(client.get(f"/v1/jobs/{job_id}/preview"), 409, "no-preview")
    assert detail == "The job is canceled; it has no preview"


def test_another_owners_preview_is_not_found(app: Flask, client: FlaskClient, store: JobStore) -> None:
    anna = as_owner(app, "anna")
    job_id = submitted(anna)
    tell(store, claimed(store, job_id), preview=True)
    path = f"/v1/jobs/{job_id}/preview"
    assert anna.get(path).status_code == HTTPStatus.SEE_OTHER
    assert_problem(as_owner(app, "mallory").get(path), 404, "job-not-found")
    assert_problem(anna.get("/v1/jobs/job_0/preview"), 404, "job-not-found")


# --- what is refused ------------------------------------------------------------------------------------


def test_a_size_that_does_not_fit_is_refused_with_the_limit(client: FlaskClient) -> None:
    refused = client.post("/v1/jobs", json=TOO_LARGE)
    assert assert_problem(refused, 422, "invalid-parameter", "/params/max_side") == REFUSAL
    submitted(client, max_side=LIMIT)
    accepted(client.post("/v1/jobs", json={**PAIR, "params": {"max_side": LIMIT + 1}}))  # the fast method


def test_a_size_that_was_not_asked_for_is_not_refused_however_the_job_is_sent(client: FlaskClient) -> None:
    submitted(client)  # the default is above the limit; the worker scales to it
    accepted(client.post("/v1/jobs", json={**OPTIMIZE, "content": {"data": data_uri(PICTURE)}}))
    large = {**TOO_LARGE, "content": {"data": data_uri(PICTURE)}}
    assert_problem(client.post("/v1/jobs", json=large), 422, "invalid-parameter", "/params/max_side")


def test_in_a_batch_it_is_refused_line_by_line(client: FlaskClient) -> None:
    batch = accepted(post_lines(client, OPTIMIZE, TOO_LARGE, PAIR))
    assert (batch["total"], batch["rejected"]) == (2, 1)
    (line,) = batch["rejected_lines"]
    assert (line["line"], line["pointer"], line["detail"]) == (2, "/params/max_side", REFUSAL)
    defaults = {"params": TOO_LARGE["params"]}
    refused = client.post("/v1/batches", json={"defaults": defaults, "jobs": [PAIR]})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert REFUSAL in refused.text


def test_combinations_of_a_batch_are_minimized_in_their_lane(client: FlaskClient) -> None:
    matrix = {"contents": [PAIR["content"]] * 2, "styles": [PAIR["style"]]}
    defaults = {"params": {"method": "optimize", "iterations": 5}}
    batch = accepted(client.post("/v1/batches", json={"matrix": matrix, "defaults": defaults}))
    jobs = (client.get(batch["links"]["jobs"]).json or {})["jobs"]
    assert [(job["lane"], job["request"]["params"]["iterations"]) for job in jobs] == [("optimize", 5)] * 2


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"params": {"iterations": 10}}, "/params/iterations"),
        ({"params": {"beta": 5.0}}, "/params/beta"),
        ({"params": {"method": "optimize", "strength": 0.5}}, "/params/strength"),
        ({"params": {"method": "optimize"}, "lane": "high"}, "/lane"),
        ({"lane": "optimize"}, "/lane"),
    ],
)
def test_wishes_that_do_not_go_together_are_named(
    client: FlaskClient, members: dict[str, Any], pointer: str
) -> None:
    assert_problem(client.post("/v1/jobs", json={**PAIR, **members}), 422, "invalid-parameter", pointer)
    lines = client.post("/v1/batches", data=ndjson(PAIR, {**PAIR, **members}), content_type=NDJSON)
    assert [line["pointer"] for line in accepted(lines)["rejected_lines"]] == [pointer]


# --- what is told ---------------------------------------------------------------------------------------


def test_capabilities_name_the_methods_and_their_limits(client: FlaskClient, settings: Settings) -> None:
    told = client.get("/v1/capabilities").json or {}
    assert told["methods"] == ["fast", "optimize"]
    assert told["limits"]["optimize_max_side"] == LIMIT
    assert told["limits"]["optimize_seconds"] == settings.optimize_seconds


def test_a_batch_shows_mean_and_spread_of_its_losses(
    client: FlaskClient, store: JobStore, batches: BatchStore, storage: Storage
) -> None:
    batch = accepted(post_lines(client, *[{**PAIR, "params": {"losses": True}}] * 2))
    assert batch["losses"] is None
    for job, style in zip((client.get(batch["links"]["jobs"]).json or {})["jobs"], (1.0, 3.0), strict=True):
        end_job(store, claimed(store, job["id"]), RESULT.model_copy(update={"losses": report(2.0, style)}))
    Finalizer(batches, store, storage).finalize()
    view = BatchView.model_validate_json(client.get(f"/v1/batches/{batch['id']}").data)
    assert view.losses is not None
    assert (view.losses.jobs, view.losses.style.mean, view.losses.style.standard_deviation) == (2, 2.0, 1.0)


def test_the_page_describes_all_of_it(client: FlaskClient) -> None:
    page = client.get("/openapi.json").json or {}
    preview = page["paths"]["/v1/jobs/{job_id}/preview"]["get"]["responses"]
    assert {"303", "404", "409"} <= set(preview)
    schemas = page["components"]["schemas"]
    for name in ("JobProgress", "LossReport", "LossSummary", "Optimization"):
        assert schemas[name]["properties"], name
