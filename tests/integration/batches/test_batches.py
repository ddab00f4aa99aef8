"""Batches over HTTP, on a real Redis and a real S3 server; the tests play the worker."""

from __future__ import annotations

import json
from itertools import cycle
from typing import IO, Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.intake.bodies import max_job_bytes
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.wire.params import Params
from tests.integration.batches.batch_requests import BATCHES, assert_nothing_left
from tests.jobs import job_ids
from tests.stacks.service import (
    NDJSON,
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    jobs_of,
    post_lines,
    rows,
    sha256,
    started,
)

pytestmark = pytest.mark.usefixtures("counters_agree")


# --- NDJSON ---------------------------------------------------------------------------------------

BROKEN: list[tuple[Any, str, str | None]] = [  # a line, the code, and the pointer
    (b'{"content": ', "malformed-json", None),
    ([1, 2], "invalid-parameter", ""),
    ({"style": PAIR["style"]}, "invalid-parameter", "/content"),
    ({**PAIR, "painter": "Monet"}, "invalid-parameter", "/painter"),
    ({**PAIR, "params": {"strength": 1.5}}, "invalid-parameter", "/params/strength"),
    ({**PAIR, "content": {"url": "ftp://example.org/a.jpg"}}, "invalid-parameter", "/content/url"),
    ({**PAIR, "custom_id": "line 1"}, "invalid-parameter", "/custom_id"),
    ({**PAIR, "style": {"url": "s3://secrets/a.jpg"}}, "url-not-allowed", "/style/url"),
    ({**PAIR, "content": {"data": "data:image/png;base64,AAA"}}, "invalid-parameter", "/content/data"),
    (
        {**PAIR, "content": {"url": "https://example.org/a.jpg", "upload_id": "0" * 64}},
        "invalid-parameter",
        "/content/upload_id",
    ),
]


def test_broken_lines_among_a_thousand_are_rejected_with_reasons_and_the_others_run(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    broken = cycle(BROKEN)
    expected, lines = {}, []
    for number in range(1, 1001):
        if number % 10 == 0:
            line, code, pointer = next(broken)
            lines.append(line)
            expected[number] = (code, pointer)
        else:
            lines.append({**PAIR, "custom_id": f"line {number}"})
    response = post_lines(client, *lines)
    batch = accepted(response)
    assert (
        response.headers["Location"] == batch["links"]["self"] == f"http://localhost{BATCHES}/{batch['id']}"
    )
    assert (batch["status"], batch["total"], batch["rejected"]) == ("running", 900, 100)
    assert batch["counts"]["queued"] == 900
    rejected = rows(client.get(batch["links"]["rejected"]))
    assert {row["line"]: (row["code"], row.get("pointer")) for row in rejected} == expected
    assert [row["line"] for row in rejected] == sorted(expected)
    assert {**batch["rejected_lines"][6]} == {
        "line": 70,
        "custom_id": "line 1",
        "code": "invalid-parameter",
        "pointer": "/custom_id",
        "detail": "Line 1 has the same custom_id",
    }
    assert len(batch["rejected_lines"]) == 100
    jobs = jobs_of(client, batch)
    assert [job["custom_id"] for job in jobs] == [f"line {n}" for n in range(1, 1001) if n % 10]
    assert {job["lane"] for job in jobs} == {"bulk"}
    assert connection.llen("stylize.bulk") == 64


def test_every_accepted_jobs_url_works_at_once_and_leads_to_its_batch(client: FlaskClient) -> None:
    batch = accepted(post_lines(client, *[PAIR] * 30))
    for number, job_id in enumerate(job_ids(batch["id"], 30), 1):
        response = client.get(f"/v1/jobs/{job_id}")
        job = response.json or {}
        assert (response.status_code, job["status"], job["batch_id"]) == (200, "queued", batch["id"])
        assert job["links"]["batch"] == batch["links"]["self"]
        assert job["queue"]["position"] == number
    listed = client.get(f"/v1/jobs?batch_id={batch['id']}&limit=100").json or {}
    assert [job["id"] for job in listed["jobs"]] == job_ids(batch["id"], 30)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"%s\n\n   \n%s\n", [1, 4]),
        (b"%s\r\n\r\n%s\r\n", [1, 3]),
        (b"\n%s\n%s", [2, 3]),
        (b"\xef\xbb\xbf%s\n%s\n", [1, 2]),
    ],
    ids=["blank lines", "CRLF", "no last newline", "byte order mark"],
)
def test_lines_are_counted_as_an_editor_counts_them(
    client: FlaskClient, body: bytes, lines: list[int]
) -> None:
    line = json.dumps(PAIR).encode()
    batch = accepted(client.post(BATCHES, data=body % (line, line), content_type=NDJSON))
    assert (batch["total"], batch["rejected"]) == (2, 0)
    assert [int(job["id"][-6:], 16) for job in jobs_of(client, batch)] == lines


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"custom_id": "\xff\xfe"}', "malformed-json"),
        (b'{"a":' * 50_000, "malformed-json"),
        (b"[" * 50_000, "malformed-json"),
        (b'"' + b"x" * max_job_bytes(Settings()) + b'"', "body-too-large"),
        (b"null", "invalid-parameter"),
    ],
    ids=["invalid UTF-8", "too deep object", "too deep list", "too long", "null"],
)
def test_a_strange_line_is_rejected_alone(client: FlaskClient, line: bytes, code: str) -> None:
    batch = accepted(post_lines(client, PAIR, line, {**PAIR, "custom_id": "after"}))
    assert (batch["total"], batch["rejected"]) == (2, 1)
    (rejected,) = batch["rejected_lines"]
    assert (rejected["line"], rejected["code"]) == (2, code)
    assert [job["custom_id"] for job in jobs_of(client, batch)] == [None, "after"]


class CountingStorage(Storage):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.writes: list[str] = []

    def put(self, key: str, body: bytes | IO[bytes], content_type: str) -> None:
        self.writes.append(key)
        super().put(key, body, content_type)


def test_pictures_in_lines_are_stored_once_and_not_kept_in_the_records(
    app: Flask, settings: Settings, connection: redis.Redis
) -> None:
    storage = CountingStorage(settings)
    client = started(app, settings, storage)
    content, style = (PICTURE + b"in a line", PICTURE + b"in all lines")
    line = {"content": {"data": data_uri(content)}, "style": {"data": data_uri(style)}, "tags": ["x"]}
    batch = accepted(post_lines(client, line, {**line, "lane": "high"}, {**PAIR, "style": line["style"]}))
    jobs = jobs_of(client, batch)
    assert [job["lane"] for job in jobs] == ["bulk", "high", "bulk"]
    assert [job["tags"] for job in jobs] == [["x"], ["x"], []]
    for job in jobs[:2]:
        assert job["request"]["content"] == {"upload_id": sha256(content)}
    assert {job["request"]["style"]["upload_id"] for job in jobs} == {sha256(style)}
    assert storage.get(upload_key(OWNER, sha256(style)), max_bytes=1000) == style
    assert storage.get(upload_key(OWNER, sha256(content)), max_bytes=1000) == content
    assert sorted(storage.writes) == sorted(upload_key(OWNER, sha256(each)) for each in (content, style))


def test_atomic_accepts_all_lines_or_none(client: FlaskClient, connection: redis.Redis) -> None:
    response = post_lines(client, PAIR, {**PAIR, "lane": "express"}, b"{", query_string={"atomic": "true"})
    detail = assert_problem(response, 422, "batch-rejected")
    assert "2 line(s)" in detail
    errors = (response.json or {})["errors"]
    assert [error["pointer"] for error in errors] == ["/1/lane", "/2"]
    assert errors[0]["detail"].startswith("line 2: ")
    assert_nothing_left(client, connection)
    assert accepted(post_lines(client, PAIR, PAIR, query_string={"atomic": "true"}))["total"] == 2


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \r\n"])
def test_a_batch_without_a_line_is_refused(client: FlaskClient, connection: redis.Redis, body: bytes) -> None:
    response = client.post(BATCHES, data=body, content_type=NDJSON)
    assert "empty" in assert_problem(response, 422, "invalid-parameter", "")
    assert_nothing_left(client, connection)


def test_a_batch_without_an_acceptable_line_is_refused_with_the_first_reasons(
    client: FlaskClient, connection: redis.Redis
) -> None:
    response = post_lines(client, *[b"{"] * 150)
    assert_problem(response, 422, "batch-rejected")
    assert len((response.json or {})["errors"]) == 100
    assert_nothing_left(client, connection)


def test_another_media_type_is_refused(client: FlaskClient) -> None:
    assert_problem(client.post(BATCHES, data=b"a,b", content_type="text/csv"), 415, "unsupported-media-type")


# --- JSON -----------------------------------------------------------------------------------------


def test_jobs_are_validated_one_by_one_and_what_they_do_not_say_the_defaults_do(client: FlaskClient) -> None:
    defaults = {
        "style": PAIR["style"],
        "lane": "high",
        "params": {"strength": 0.5, "max_side": 300},
        "output": {"format": "png"},
        "metadata": {"k": "default", "only": "default"},
    }
    content = {"content": PAIR["content"]}
    blend = [{"url": "https://example.org/c.jpg", "weight": 2.0}]
    jobs = [
        content,
        {**content, "params": {"strength": 1}, "metadata": {"k": "own"}, "lane": "normal"},
        {**content, "styles": blend},
        {**content, "params": {"strength": 2}},
        {**content, "params": 5},
    ]
    body = {"jobs": jobs, "defaults": defaults, "metadata": {"order": "17"}}
    batch = accepted(client.post(BATCHES, json=body))
    assert batch["metadata"] == {"order": "17"}
    first, second, third = jobs_of(client, batch)
    assert first["request"]["params"] == Params(strength=0.5, max_side=300).model_dump()
    assert (first["lane"], first["request"]["output"]["format"]) == ("high", "png")
    assert (second["request"]["params"]["strength"], second["request"]["params"]["max_side"]) == (1, 300)
    assert (second["lane"], second["metadata"]) == ("normal", {"k": "own", "only": "default"})
    assert (third["request"]["style"], third["request"]["styles"]) == (None, blend)
    rejected = [(line["line"], line["pointer"]) for line in batch["rejected_lines"]]
    assert rejected == [(4, "/params/strength"), (5, "/params")]


def test_a_default_blend_gives_way_to_a_jobs_own_style(client: FlaskClient) -> None:
    body = {"jobs": [PAIR], "defaults": {"styles": [PAIR["style"], PAIR["style"]]}}
    (job,) = jobs_of(client, accepted(client.post(BATCHES, json=body)))
    assert (job["request"]["style"], job["request"]["styles"]) == (PAIR["style"], None)
