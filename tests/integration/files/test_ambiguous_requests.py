"""Requests that say two things at once are refused, and the error names the place: neither is picked
silently.
"""

from __future__ import annotations

from io import BytesIO

import pytest
import redis
from flask.testing import FlaskClient

from tests.stacks.service import PAIR, PICTURE, accepted, assert_problem, data_uri, post_lines

CONTENT = '"content": {"url": "https://example.org/a.jpg"}'
STYLE = '"style": {"url": "https://example.org/b.jpg"}'
JOB = f"{CONTENT}, {STYLE}"
TWICE = "The member is given twice"

BATCH = f'{{"jobs": [{{{JOB}}}]'  # without its end
UPLOAD = f'"sha256": "{"0" * 64}", "content_type": "image/png", "bytes": 1'
BODIES = [
    ("/v1/jobs", f'{{{JOB}, "lane": "high", "lane": "bulk"}}', "/lane"),
    ("/v1/jobs", f'{{{JOB}, {CONTENT}}}', "/content"),
    ("/v1/jobs", f'{{{JOB}, "params": {{"strength": 1, "strength": 0}}}}', "/params/strength"),
    ("/v1/jobs", f'{{{JOB}, "metadata": {{"a/b~": "1", "a\\u002fb~": "2"}}}}', "/metadata/a~1b~0"),
    ("/v1/jobs", f'{{{CONTENT}, "styles": [{{"url": "s3://b/c", "url": "s3://b/d"}}]}}', "/styles/0/url"),
    ("/v1/batches", f'{BATCH}, "jobs": [{{{JOB}}}]}}', "/jobs"),
    ("/v1/batches", f'{{"jobs": [{{{JOB}}}, {{{JOB}, "tags": [], "tags": []}}]}}', "/jobs/1/tags"),
    ("/v1/batches", f'{BATCH}, "defaults": {{"lane": "bulk", "lane": "high"}}}}', "/defaults/lane"),
    ("/v1/uploads", f'{{{UPLOAD}, "bytes": 2}}', "/bytes"),
    ("/v1/webhooks/test", '{"url": "https://example.org/a", "url": "https://example.org/b"}', "/url"),
    ("/v1/dead-letters/replay", '{"code": "timed-out", "code": null}', "/code"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "pointer"), BODIES)
def test_a_member_that_is_given_twice_is_named(
    client: FlaskClient, connection: redis.Redis, path: str, body: str, pointer: str
) -> None:
    response = client.post(path, data=body, content_type="application/json")
    assert TWICE in assert_problem(response, 422, "invalid-parameter", pointer)
    assert connection.keys("sq:job:*") == []


def test_a_line_with_a_member_twice_is_rejected_alone(client: FlaskClient) -> None:
    bad = f'{{{JOB}, "params": {{"max_side": 300, "max_side": 400}}, "custom_id": "a"}}'
    batch = accepted(post_lines(client, PAIR, bad.encode()))
    assert batch["total"] == 1
    (line,) = batch["rejected_lines"]
    assert (line["line"], line["code"], line["pointer"]) == (2, "invalid-parameter", "/params/max_side")
    assert (line["detail"], line["custom_id"]) == (TWICE, "a")


def test_members_of_one_name_in_different_objects_are_no_repetition(client: FlaskClient) -> None:
    job = accepted(client.post("/v1/jobs", json={**PAIR, "metadata": {"content": "url", "url": "content"}}))
    assert job["metadata"] == {"content": "url", "url": "content"}


@pytest.mark.parametrize("digits", [400, 5000])
def test_numbers_of_any_length_are_no_server_error(client: FlaskClient, digits: int) -> None:
    number = "9" * digits
    job = f'{{{JOB}, "start_within": {number}}}'
    bodies = [("/v1/jobs", job), ("/v1/batches", f'{{"jobs": [{job}]}}')]
    bodies.append(("/v1/batches", f'{BATCH}, "defaults": {{"start_within": {number}}}}}'))
    for path, body in bodies:
        kind = "application/json"
        response = client.post(path, data=body, content_type=kind)
        assert response.status_code in {400, 422}, (path, response.text[:500])


def picture() -> tuple[BytesIO, str]:
    return BytesIO(PICTURE), "a.jpg"


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"content": [picture, picture], "style": [picture]}, "/content"),
        ({"content": [picture, '{"url": "https://example.org/a.jpg"}'], "style": [picture]}, "/content"),
        ({"content": [picture], "style": ['{"url": "https://example.org/a.jpg"}', picture]}, "/style"),
        ({"content": [picture], "style": [picture], "params": ["{}", "{}"]}, "/params"),
        ({"content": [picture], "style": [picture], "tags": ['["a"]', "b"]}, "/tags"),
        ({"content": [picture], "style": [picture], "lane": ["high", "bulk"]}, "/lane"),
    ],
)
def test_a_part_that_is_given_twice_is_named(
    client: FlaskClient, connection: redis.Redis, form: dict[str, list[object]], pointer: str
) -> None:
    parts = {name: [part() if callable(part) else part for part in values] for name, values in form.items()}
    response = client.post("/v1/jobs", data=parts, content_type="multipart/form-data")
    detail = assert_problem(response, 422, "invalid-parameter", pointer)
    assert f"2 parts named '{pointer[1:]}'" in detail
    assert connection.keys("sq:job:*") == connection.keys("sq:uploads") == []


def test_a_member_twice_within_a_form_field_is_named(client: FlaskClient) -> None:
    form = {"content": picture(), "style": picture(), "output": '{"quality": 1, "quality": 2}'}
    response = client.post("/v1/jobs", data=form)
    assert TWICE in assert_problem(response, 422, "invalid-parameter", "/output/quality")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/jobs?status=failed&status=succeeded", "status"),
        ("/v1/jobs?ids=job_1&ids=job_2", "ids"),
        ("/v1/batches?limit=1&limit=2", "limit"),
        ("/v1/jobs/job_0?wait=1&wait=0", "wait"),
    ],
)
def test_a_parameter_that_is_given_twice_is_named(client: FlaskClient, path: str, name: str) -> None:
    detail = assert_problem(client.get(path), 422, "invalid-parameter", f"/{name}")
    assert "2 times" in detail


def test_a_batch_is_atomic_or_not(client: FlaskClient) -> None:
    response = client.post("/v1/batches?atomic=true&atomic=false", json={"jobs": [PAIR]})
    assert_problem(response, 422, "invalid-parameter", "/atomic")


def test_a_data_uri_in_a_line_is_not_kept_twice(client: FlaskClient) -> None:
    twice = f'{{{STYLE}, "content": {{"data": "{data_uri(PICTURE)}", "data": "{data_uri(PICTURE)}"}}}}'
    batch = accepted(post_lines(client, PAIR, twice.encode()))
    assert [line["pointer"] for line in batch["rejected_lines"]] == ["/content/data"]
