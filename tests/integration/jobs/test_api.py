"""The API on a real Redis and a real S3 server; the tests play the worker."""

from __future__ import annotations

import base64
import hashlib
import json
from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from openapi_spec_validator import validate as validate_spec

from api.app import create_app
from api.services import Services
from shared.broker.queue import NEXT_TASK
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.wire.descriptors import Lane
from tests.integration.jobs.job_requests import submit
from tests.stacks.ports import free_port
from tests.stacks.service import OWNER, PAIR, PICTURE, assert_problem, sha256


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_waiting_requests": 2})


# --- submitting ---------------------------------------------------------------------------------


def test_a_json_submission_is_accepted_with_all_that_a_poller_needs(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={**PAIR, "custom_id": "mine", "lane": "high"})
    job = response.json or {}
    assert response.status_code == HTTPStatus.ACCEPTED
    assert response.headers["Location"] == job["links"]["self"] == f"http://localhost/v1/jobs/{job['id']}"
    assert response.headers["Retry-After"] == "5"  # without a worker nobody knows how long it will take
    assert response.headers["ETag"] == f'W/"{job["seq"]}"'
    assert (job["status"], job["custom_id"], job["lane"]) == ("queued", "mine", "high")
    assert job["owner"] == OWNER


def test_a_submission_puts_one_message_into_its_lane_that_calls_for_the_next_job(
    client: FlaskClient, connection: redis.Redis
) -> None:
    submit(client, lane="high")
    (message,) = connection.lrange("stylize.high", 0, -1)
    envelope = json.loads(str(message))
    body = json.loads(base64.b64decode(envelope["body"]))
    (call,) = connection.zrange("sq:calls:high", 0, -1)
    assert body[0] == ["high", call]
    assert (envelope["headers"]["id"], envelope["headers"]["task"]) == (call, NEXT_TASK)
    assert envelope["content-type"] == "application/json"


def test_a_multipart_submission_stores_its_files_under_their_digests(
    client: FlaskClient, storage: Storage
) -> None:
    form = {
        "content": (BytesIO(PICTURE), "a.jpg"),
        "style": (BytesIO(PICTURE + b"2"), "b.jpg"),
        "params": '{"max_side": 300}',
        "lane": "high",
        "custom_id": "17",
        "tags": ["x", "y"],
    }
    response = client.post("/v1/jobs", data=form)
    job = response.json or {}
    assert response.status_code == HTTPStatus.ACCEPTED, job
    assert job["request"]["content"] == {"upload_id": sha256(PICTURE)}
    assert (job["request"]["params"]["max_side"], job["custom_id"], job["tags"]) == (300, "17", ["x", "y"])
    assert storage.get(f"uploads/{OWNER}/{sha256(PICTURE)}", max_bytes=1000) == PICTURE


def test_a_data_uri_is_stored_and_not_kept_in_the_record(client: FlaskClient, storage: Storage) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode()
    job = submit(client, content={"data": data})
    assert job["request"]["content"] == {"upload_id": sha256(PICTURE)}
    assert storage.get(f"uploads/{OWNER}/{sha256(PICTURE)}", max_bytes=1000) == PICTURE


def test_a_data_uri_over_the_limit_is_refused_with_both_figures(client: FlaskClient) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(b"x" * 256_001).decode()
    response = client.post("/v1/jobs", json={**PAIR, "content": {"data": data}})
    detail = assert_problem(response, 413, "body-too-large", "/content/data")
    assert "256,001" in detail
    assert "256,000" in detail


def test_an_idempotency_key_makes_one_job_of_many_submissions(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "mine"}
    answers = [client.post("/v1/jobs", json=PAIR, headers=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({(answer.json or {})["id"] for answer in answers}) == 1
    other = client.post("/v1/jobs", json={**PAIR, "custom_id": "other"}, headers=key)
    assert_problem(other, 422, "idempotency-key-reused")
    assert_problem(
        client.post("/v1/jobs", json=PAIR, headers={"Idempotency-Key": "k" * 256}), 422, "invalid-parameter"
    )


def test_many_jobs_are_polled_at_once(client: FlaskClient) -> None:
    ids = [submit(client)["id"] for _ in range(3)]
    found = client.get("/v1/jobs", query_string={"ids": f"{ids[2]},job_0,{ids[0]}"}).json or {}
    assert [job["id"] for job in found["jobs"]] == [ids[2], ids[0]]
    too_many = client.get("/v1/jobs", query_string={"ids": ",".join(["job_0"] * 101)})
    assert "100" in assert_problem(too_many, 422, "invalid-parameter", "/ids")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"content": None}, "/content"),
        ({"content": {}}, "/content"),
        ({"content": {"url": 5}}, "/content/url"),
        ({"content": {"url": "https://example.org/a.jpg", "extra": 1}}, "/content/extra"),
        ({"style": {"upload_id": "short"}}, "/style/upload_id"),
        ({"style": {"data": "data:text/plain;base64,AAAA"}}, "/style/data"),
        ({"params": {"max_side": 63}}, "/params/max_side"),
        ({"params": {"max_side": "300"}}, "/params/max_side"),
        ({"params": {"max_side": 16_385}}, "/params/max_side"),
        ({"output": {"format": "gif"}}, "/output/format"),
        ({"output": {"quality": 1.5}}, "/output/quality"),
        ({"lane": "express"}, "/lane"),
        ({"tags": ["x"] * 17}, "/tags"),
        ({"metadata": {"k": 5}}, "/metadata/k"),
        ({"owner": "someone"}, "/owner"),
        ({"max_attempts": 0}, "/max_attempts"),
    ],
)
def test_a_wrong_member_is_named_by_its_pointer(
    client: FlaskClient, members: dict[str, Any], pointer: str
) -> None:
    assert_problem(client.post("/v1/jobs", json={**PAIR, **members}), 422, "invalid-parameter", pointer)


def test_several_wrong_members_are_all_named(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={"params": {"max_side": 0}, "nonsense/~": 1})
    pointers = [error["pointer"] for error in (response.json or {})["errors"]]
    assert sorted(pointers) == ["/content", "/nonsense~1~0", "/params/max_side", "/style"]


def test_a_blend_of_styles_comes_back_with_its_weights(client: FlaskClient) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode()
    styles = [{**PAIR["style"], "weight": 3}, {"data": data}]
    response = client.post("/v1/jobs", json={"content": PAIR["content"], "styles": styles})
    request = (response.json or {})["request"]
    assert request["styles"] == [
        {**PAIR["style"], "weight": 3.0},
        {"upload_id": sha256(PICTURE), "weight": 1.0},
    ]
    assert request["style"] is None


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({}, "/style"),
        ({"style": PAIR["style"], "styles": [PAIR["style"]]}, "/style"),
        ({"styles": []}, "/styles"),
        ({"styles": [PAIR["style"]] * 9}, "/styles"),
        ({"styles": [PAIR["style"], {"url": 5}]}, "/styles/1/url"),
        ({"styles": [{**PAIR["style"], "weight": 0}]}, "/styles/0/weight"),
        ({"style": PAIR["style"], "params": {"strength": 1.1}}, "/params/strength"),
    ],
)
def test_a_wrong_blend_is_named_by_its_pointer(
    client: FlaskClient, members: dict[str, Any], pointer: str
) -> None:
    response = client.post("/v1/jobs", json={"content": PAIR["content"], **members})
    assert_problem(response, 422, "invalid-parameter", pointer)


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"\xff\xfe", b"nonsense"])
def test_a_body_that_is_no_json_is_malformed(client: FlaskClient, body: bytes) -> None:
    response = client.post("/v1/jobs", data=body, content_type="application/json")
    assert_problem(response, 400, "malformed-json")


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"text"'])
def test_json_that_is_no_object_is_an_invalid_parameter(client: FlaskClient, body: bytes) -> None:
    response = client.post("/v1/jobs", data=body, content_type="application/json")
    assert_problem(response, 422, "invalid-parameter", "")


def test_another_media_type_is_refused(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", data=b"<job/>", content_type="text/xml")
    assert_problem(response, 415, "unsupported-media-type")


def test_a_body_over_the_limit_is_refused(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", data=b" " * 4_000_000, content_type="application/json")
    assert_problem(response, 413, "body-too-large")


def test_a_form_field_that_is_no_json_is_named(client: FlaskClient) -> None:
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": (BytesIO(PICTURE), "b.jpg"), "params": "big"}
    assert_problem(client.post("/v1/jobs", data=form), 422, "invalid-parameter", "/params")


@pytest.mark.parametrize(
    ("parts", "tags"),
    [(["{"], ["{"]), (["[x", "y"], ["[x", "y"]), (['["x", "y"]'], ["x", "y"]), (["x"], ["x"])],
)
def test_tags_in_a_form_are_words_or_one_list(client: FlaskClient, parts: list[str], tags: list[str]) -> None:
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": (BytesIO(PICTURE), "b.jpg"), "tags": parts}
    assert (client.post("/v1/jobs", data=form).json or {})["tags"] == tags


def test_a_data_uri_in_a_form_is_stored_like_one_in_json(client: FlaskClient, storage: Storage) -> None:
    style = {"data": "data:image/jpeg;base64," + base64.b64encode(PICTURE + b"form").decode()}
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": json.dumps(style)}
    job = client.post("/v1/jobs", data=form).json or {}
    digest = hashlib.sha256(PICTURE + b"form").hexdigest()
    assert job["request"]["style"] == {"upload_id": digest}
    assert storage.get(f"uploads/{OWNER}/{digest}", max_bytes=1000) == PICTURE + b"form"
    style = {"data": "data:image/jpeg;base64," + base64.b64encode(b"x" * 256_001).decode()}
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": json.dumps(style)}
    assert_problem(client.post("/v1/jobs", data=form), 413, "body-too-large", "/style/data")


def test_a_file_over_the_limit_is_refused_with_both_figures(client: FlaskClient, settings: Settings) -> None:
    form = {"content": (BytesIO(PICTURE), "a.jpg"), "style": (BytesIO(bytes(100_000_001)), "b.jpg")}
    detail = assert_problem(client.post("/v1/jobs", data=form), 413, "body-too-large", "/style")
    assert "100,000,001" in detail
    assert "100,000,000" in detail


@pytest.mark.parametrize("digits", ["9" * 5000, "²"])
def test_numbers_in_headers_that_are_none_do_no_harm(client: FlaskClient, digits: str) -> None:
    job = submit(client)
    seen = {"If-None-Match": f'W/"{digits}"'}
    assert client.get(job["links"]["self"], headers=seen).status_code == HTTPStatus.OK
    places = client.application.extensions["stylequeue"].held_places
    assert places.take("another")
    assert places.take("another")
    assert client.post("/v1/jobs", json=PAIR, headers={"Prefer": f"wait={digits}"}).status_code == 202


def test_a_form_without_a_style_names_it(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", data={"content": (BytesIO(PICTURE), "a.jpg")})
    assert_problem(response, 422, "invalid-parameter", "/style")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/a.jpg",
        "https://localhost/a.jpg",
        "http://example.org/a.jpg",
        "https://example.org:8080/a.jpg",
        "https://user:secret@example.org/a.jpg",
        "s3://some-other-bucket/a.jpg",
        "s3://stylequeue/uploads/someone-else/a.jpg",
    ],
)
def test_a_url_that_the_service_will_not_fetch_is_refused_at_once(client: FlaskClient, url: str) -> None:
    response = client.post("/v1/jobs", json={**PAIR, "style": {"url": url}})
    assert_problem(response, 403, "url-not-allowed", "/style/url")


# --- operations ---------------------------------------------------------------------------------


def test_readiness_names_what_is_missing(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    readiness = response.json or {}
    assert (readiness["redis"], readiness["bucket"]) == ("ok", "ok")
    assert "No worker" in readiness["worker"]
    assert client.get("/healthz").status_code == HTTPStatus.OK


def test_capabilities_name_the_limits(client: FlaskClient, settings: Settings) -> None:
    capabilities = client.get("/v1/capabilities").json or {}
    assert capabilities["limits"]["max_pixels"] == settings.max_pixels
    assert capabilities["lanes"] == list(Lane)


def test_without_redis_every_route_says_503_in_bounded_time(storage: Storage, settings: Settings) -> None:
    gone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    client = create_app(Services.connect(gone, storage)).test_client()
    for method, path in [("POST", "/v1/jobs"), ("GET", "/v1/jobs"), ("GET", "/v1/jobs/job_1?wait=30")]:
        response = client.open(path, method=method, json=PAIR if method == "POST" else None)
        assert_problem(response, 503, "broker-unavailable")
        assert response.headers["Retry-After"] == "5"
    assert client.get("/healthz").status_code == HTTPStatus.OK


def test_unknown_paths_and_methods_are_problems_too(client: FlaskClient) -> None:
    assert_problem(client.get("/v1/nothing"), 404, "not-found")
    response = client.put("/v1/jobs")
    assert_problem(response, 405, "method-not-allowed")
    assert "POST" in response.headers["Allow"]


def test_the_openapi_page_is_valid_and_has_every_route(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").json or {}
    assert spec["openapi"].startswith("3.1")
    validate_spec(spec)
    documented = {
        (method.upper(), path.replace("{", "<").replace("}", ">"))
        for path, operations in spec["paths"].items()
        for method in operations
    }
    rules = client.application.url_map.iter_rules()
    routes = {
        (method, rule.rule)
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/v1", "/healthz", "/readyz", "/metrics"))
    }
    assert documented == routes
    page = client.get("/docs", follow_redirects=True)
    assert page.status_code == HTTPStatus.OK
    assert client.get("/docs/swagger").status_code == HTTPStatus.OK
