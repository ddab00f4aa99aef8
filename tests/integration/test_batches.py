"""Batches over HTTP, on a real Redis and a real S3 server; the tests play the worker."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from itertools import cycle, product
from typing import IO, Any

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.intake.bodies import max_job_bytes
from shared.policy.idempotency import Idempotency
from shared.policy.object_keys import result_key, upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.workers import WorkerRegistry
from shared.wire.batch_records import BatchStatus
from shared.wire.descriptors import Params
from shared.wire.records import JobStatus
from tests.access import as_owner
from tests.agreement import keys
from tests.jobs import ERROR, accept_batch, bulk, claimed, fail, finalize, job_ids, succeed, worker_info
from tests.service import (
    NDJSON,
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    give_up,
    jobs_of,
    ndjson,
    paint,
    post_lines,
    rows,
    sha256,
    started,
)
from worker.upkeep.finalizer import Finalizer

BATCHES = "/v1/batches"


pytestmark = pytest.mark.usefixtures("counters_agree")


def limited(app: Flask, settings: Settings, **changes: Any) -> FlaskClient:
    return started(app, settings.model_copy(update=changes))


def assert_nothing_left(client: FlaskClient, connection: redis.Redis) -> None:
    assert (client.get(BATCHES).json or {})["batches"] == []
    counted = ("sq:rate:", "sq:tallies", "sq:recent:")  # of requests, and of what happened
    left = {key for key in keys(connection, "*") if not key.startswith(counted)}
    assert left <= {f"sq:counts:{OWNER}", "sq:load", "sq:counted", "sq:owners"}


def announce(connection: redis.Redis, rate: float) -> None:
    """Announce a worker of this speed."""
    WorkerRegistry(connection).announce(worker_info(rate=rate))


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


def test_of_a_thousand_lines_the_broken_ones_are_rejected_with_their_reasons_and_the_others_run(
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


def test_every_accepted_jobs_url_answers_at_once_and_leads_to_its_batch(client: FlaskClient) -> None:
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


def sources(*names: str) -> list[dict[str, str]]:
    return [{"url": f"https://example.org/{name}.jpg"} for name in names]


def test_a_matrix_is_every_content_with_every_style_and_strength(client: FlaskClient) -> None:
    contents, styles, strengths = sources("a", "b"), sources("x", "y", "z"), [0.25, 1]
    matrix = {"contents": contents, "styles": styles, "strengths": strengths}
    batch = accepted(client.post(BATCHES, json={"matrix": matrix, "defaults": {"params": {"max_side": 99}}}))
    found = [
        (job["custom_id"], job["request"]["content"], job["request"]["style"], job["request"]["params"])
        for job in jobs_of(client, batch)
    ]
    expected = [
        (f"{c}-{s}-{p}", contents[c], styles[s], strengths[p])
        for c, s, p in product(range(2), range(3), range(2))
    ]
    assert [(*rest, params["strength"]) for *rest, params in found] == expected
    assert {params["max_side"] for *_, params in found} == {99}


def test_zipped_lists_are_pairs_and_must_have_the_same_length(client: FlaskClient) -> None:
    matrix = {"contents": sources("a", "b"), "styles": sources("x", "y"), "mode": "zip"}
    jobs = jobs_of(client, accepted(client.post(BATCHES, json={"matrix": matrix})))
    assert [(job["custom_id"], job["request"]["style"]) for job in jobs] == [
        ("0-0", matrix["styles"][0]),
        ("1-1", matrix["styles"][1]),
    ]
    response = client.post(BATCHES, json={"matrix": {**matrix, "strengths": [1]}})
    assert "same length" in assert_problem(response, 422, "invalid-parameter", "/matrix/mode")


def test_a_product_over_the_limit_is_refused_with_both_figures(
    client: FlaskClient, connection: redis.Redis
) -> None:
    matrix = {"contents": sources("a") * 300, "styles": sources("x") * 300}
    detail = assert_problem(
        client.post(BATCHES, json={"matrix": matrix}), 422, "invalid-parameter", "/matrix"
    )
    assert "90,000" in detail
    assert "50,000 (max_batch_jobs)" in detail
    assert_nothing_left(client, connection)


def test_the_lines_behind_an_input_url_are_read_from_s3(
    client: FlaskClient, storage: Storage, settings: Settings
) -> None:
    key = f"uploads/{OWNER}/lines.ndjson"
    storage.put(key, b"\xef\xbb\xbf" + ndjson({"content": PAIR["content"]}, b"{", PAIR), NDJSON)
    body = {"input_url": f"s3://{settings.s3_bucket}/{key}", "defaults": {"style": PAIR["style"]}}
    batch = accepted(client.post(BATCHES, json=body))
    assert (batch["total"], batch["rejected_lines"][0]["line"]) == (2, 2)
    assert [int(job["id"][-6:], 16) for job in jobs_of(client, batch)] == [1, 3]


def test_a_prefix_is_a_job_for_every_image_and_style_under_it(
    client: FlaskClient, storage: Storage, settings: Settings
) -> None:
    folder = f"uploads/{OWNER}/folder/"
    for name in ("a.jpg", "notes.txt", "sub/B 1.JPEG", "z.webp", "clip.MP4", "clip2.mp4", "sub/README"):
        storage.put(folder + name, PICTURE, "image/jpeg")
    prefix = f"s3://{settings.s3_bucket}/{folder}"
    body = {"content_prefix": prefix, "styles": sources("x", "y"), "defaults": {"metadata": {"k": "v"}}}
    batch = accepted(client.post(BATCHES, json=body))
    assert {each["kind"]: each["count"] for each in batch["skipped"]} == {
        ".mp4": 2,
        ".txt": 1,
        "no suffix": 1,
    }
    jobs = jobs_of(client, batch)
    assert [job["custom_id"] for job in jobs] == [
        f"{name} @{style}" for name in ("a.jpg", "sub/B 1.JPEG", "z.webp") for style in (1, 2)
    ]
    assert jobs[2]["request"]["content"] == {"url": f"{prefix}sub/B 1.JPEG"}
    assert jobs[2]["metadata"] == {"k": "v", "content_key": "sub/B 1.JPEG", "style_index": "1"}
    (one, *_) = jobs_of(client, accepted(client.post(BATCHES, json={**body, "styles": sources("x")})))
    assert one["custom_id"] == "a.jpg"


@pytest.mark.parametrize("query", [{}, {"atomic": "true"}])
def test_old_and_loud_names_of_pictures_are_taken_and_the_others_counted_once(
    client: FlaskClient, storage: Storage, settings: Settings, query: dict[str, str]
) -> None:
    folder = f"uploads/{OWNER}/names{len(query)}/"
    names = ("a.JPG", "b.jfif", "c.JPE", "d.mpo", "e.Jif", "f.PNG", "g.WebP")
    for name in (*names, "x.heic", "y.gif"):
        storage.put(folder + name, PICTURE, "image/jpeg")
    body = {"content_prefix": f"s3://{settings.s3_bucket}/{folder}", "styles": sources("x")}
    batch = accepted(client.post(BATCHES, json=body, query_string=query))
    assert [job["custom_id"] for job in jobs_of(client, batch)] == sorted(names)
    assert batch["skipped"] == [{"kind": ".gif", "count": 1}, {"kind": ".heic", "count": 1}]


def test_a_prefix_without_any_picture_says_what_is_there(
    client: FlaskClient, connection: redis.Redis, storage: Storage, settings: Settings
) -> None:
    folder = f"uploads/{OWNER}/clips/"
    for number in range(30):
        storage.put(f"{folder}{number}.k{number:02d}", PICTURE, "video/mp4")
    body = {"content_prefix": f"s3://{settings.s3_bucket}/{folder}", "styles": sources("x")}
    detail = assert_problem(client.post(BATCHES, json=body), 422, "invalid-parameter", "/content_prefix")
    assert detail.startswith("There is no image; 30 files skipped: 1 .k00, 1 .k01,")
    assert detail.endswith("10 other")
    assert_nothing_left(client, connection)


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


def test_what_is_no_json_is_malformed(client: FlaskClient) -> None:
    assert_problem(client.post(BATCHES, data=b"{", content_type="application/json"), 400, "malformed-json")


# --- limits ---------------------------------------------------------------------------------------


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
    assert f"300 ({setting})" in assert_problem(response, 429, "queue-full")
    assert response.headers["Retry-After"] == "5"
    assert_nothing_left(client, connection)
    assert accepted(post_lines(client, *[PAIR] * 300, headers={"Idempotency-Key": "k"}))["total"] == 300
    assert_problem(client.post("/v1/jobs", json=PAIR), 429, "queue-full")


# --- the same request again -----------------------------------------------------------------------


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


# --- polling --------------------------------------------------------------------------------------


def test_an_unchanged_batch_is_304_and_a_changed_one_is_200(client: FlaskClient, store: JobStore) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR))
    first = client.get(batch["links"]["self"])
    assert first.headers["ETag"] == f'W/"{batch["seq"]}"'
    seen = {"If-None-Match": first.headers["ETag"]}
    again = client.get(batch["links"]["self"], headers=seen)
    assert (again.status_code, again.data) == (304, b"")
    claimed(store, job_ids(batch["id"], 1)[0])
    changed = client.get(batch["links"]["self"], headers=seen)
    assert (changed.status_code, (changed.json or {})["counts"]["running"]) == (200, 1)


def test_wait_holds_the_answer_until_the_batch_has_ended_or_changed(
    client: FlaskClient, store: JobStore, storage: Storage, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, PAIR))

    def work() -> None:
        paint(store, storage, job_ids(batch["id"], 1)[0])
        Finalizer(batches, store, storage).finalize()

    worker = threading.Timer(0.1, work)
    worker.start()
    seen = {"If-None-Match": f'W/"{batch["seq"]}"'}
    changed = client.get(batch["links"]["self"] + "?wait=30", headers=seen)
    assert (changed.json or {})["seq"] > batch["seq"]
    ended = client.get(batch["links"]["self"] + "?wait=30")
    worker.join()
    body = ended.json or {}
    assert (body["status"], body["progress"]) == ("completed", {"finished": 1, "fraction": 1.0})
    assert "Retry-After" not in ended.headers
    assert body["queue"] is None


@pytest.mark.parametrize(
    ("jobs", "rate", "seconds"),
    [(40, 1.0, "20"), (40, 100.0, "1"), (40, 0.1, "30"), (100, 5.0, "10")],
    ids=["half", "at least", "at most", "more than a window"],
)
def test_a_poller_is_told_to_come_back_after_half_of_the_time_that_is_left(
    client: FlaskClient, connection: redis.Redis, jobs: int, rate: float, seconds: str
) -> None:
    announce(connection, rate)
    response = post_lines(client, *[PAIR] * jobs)
    batch = accepted(response)
    assert batch["queue"]["position"] == jobs
    assert batch["queue"]["eta_seconds"]["p50"] == pytest.approx(jobs / rate, rel=0.02)
    assert response.headers["Retry-After"] == seconds
    assert client.get(batch["links"]["self"]).headers["Retry-After"] == seconds


def test_a_batch_that_no_worker_serves_says_so(client: FlaskClient) -> None:
    response = post_lines(client, *[PAIR] * 100)
    queue = accepted(response)["queue"]
    assert (queue["position"], queue["runnable"], queue["eta_seconds"]) == (100, False, None)
    assert "'bulk'" in queue["reason"]
    assert response.headers["Retry-After"] == "5"


def test_batches_are_listed_newest_first_and_page_by_page(client: FlaskClient) -> None:
    ids = [accepted(post_lines(client, PAIR, b"{"))["id"] for _ in range(5)]
    first = client.get(f"{BATCHES}?limit=3").json or {}
    rest = client.get(f"{BATCHES}?limit=3&cursor={first['next_cursor']}").json or {}
    assert [batch["id"] for batch in first["batches"] + rest["batches"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert {batch["rejected"] for batch in first["batches"]} == {1}
    assert_problem(client.get(f"{BATCHES}?limit=101"), 422, "invalid-parameter", "/limit")


def test_the_jobs_of_a_batch_are_listed_by_line_page_by_page_and_by_status(
    client: FlaskClient, store: JobStore
) -> None:
    accepted(post_lines(client, PAIR))
    batch = accepted(post_lines(client, *[PAIR] * 5))
    ids = job_ids(batch["id"], 5)
    first = client.get(batch["links"]["jobs"] + "?limit=3").json or {}
    rest = client.get(batch["links"]["jobs"] + f"?limit=3&cursor={first['next_cursor']}").json or {}
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == ids
    assert rest["next_cursor"] is None
    give_up(store, ids[3])
    failed = client.get(batch["links"]["jobs"] + "?status=failed").json or {}
    assert [job["id"] for job in failed["jobs"]] == [ids[3]]
    assert client.get("/v1/jobs?batch_id=batch_0").status_code == 422


# --- results --------------------------------------------------------------------------------------


def test_results_stream_in_the_order_of_their_ends_and_go_on_behind_a_cursor(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    lines = [{**PAIR, "custom_id": f"id {n}", "metadata": {"n": str(n)}} for n in range(1, 5)]
    batch = accepted(post_lines(client, *lines))
    one, two, three, four = job_ids(batch["id"], 4)
    assert rows(client.get(batch["links"]["results"])) == []
    paint(store, storage, three)
    give_up(store, one)
    results = batch["links"]["results"]
    first = rows(client.get(results))
    assert [(row["line"], row["status"], row["cursor"]) for row in first] == [
        (3, "succeeded", 1),
        (1, "failed", 2),
    ]
    assert (first[0]["custom_id"], first[0]["metadata"]) == ("id 3", {"n": "3"})
    assert httpx.get(first[0]["result"]["url"]).content == PICTURE
    assert first[1]["error"]["code"] == "image-undecodable"
    paint(store, storage, four)
    client.post(f"/v1/jobs/{two}/cancel")
    assert [row["line"] for row in rows(client.get(f"{results}?after=2"))] == [4, 2]
    assert [row["line"] for row in rows(client.get(f"{results}?status=succeeded"))] == [3, 4]
    assert [row["cursor"] for row in rows(client.get(f"{results}?after=1&status=succeeded"))] == [3]
    assert rows(client.get(f"{results}?after=4")) == []
    client.delete(f"/v1/jobs/{three}")
    assert [row["line"] for row in rows(client.get(results))] == [1, 4, 2]
    assert_problem(client.get(f"{results}?status=running"), 422, "invalid-parameter", "/status")


AWKWARD_NAMES = {  # custom ids, and what becomes of them
    "../../x": "x.jpg",
    "/etc/passwd": "etc/passwd.jpg",
    "//host/share": "host/share.jpg",
    "a/b": "a/b.jpg",
    "A/B": "A/B (2).jpg",
    "a/b (2)": "a/b (2) (2).jpg",
    "./a//./b": "a/b (3).jpg",
    "..\\..\\y": ".._.._y.jpg",
    "C:\\z": "C__z.jpg",
    ".\u200b./.\u200b./w": "w.jpg",
    ".\u200b": "000011.jpg",
    "..": "000012.jpg",
    " .. / ..": "000013.jpg",
    "photo.png": "photo.png.jpg",
    "é" * 128: "é" * 75 + ".jpg",
    "CON": "_CON.jpg",
    "nul.tar": "_nul.tar.jpg",
    "lpt1/x": "_lpt1/x.jpg",
    "dots.../x. ": "dots/x.jpg",
    "ca\u0301t": "c\u00e1t.jpg",
    "c\u00e1t": "c\u00e1t (2).jpg",
    "m": "m.jpg",
    "m.jpg/n": "m (2).jpg/n.jpg",
    "M.JPG/o": "M (2).JPG/o.jpg",
    "p.jpg/q": "p.jpg/q.jpg",
    "P": "P (2).jpg",
    "manifest.json/r": "manifest (2).json/r.jpg",
}


def test_the_archive_is_a_zip_with_safe_and_unique_names_and_a_manifest(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    lines = [{**PAIR, "custom_id": name} for name in AWKWARD_NAMES]
    batch = accepted(post_lines(client, *lines, PAIR, PAIR, PAIR))
    ids = job_ids(batch["id"], len(lines) + 3)
    for number, job_id in enumerate(ids[:-2]):
        paint(store, storage, job_id, PICTURE + bytes([number]))
    give_up(store, ids[-2])
    response = client.get(batch["links"]["archive"])
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{batch["id"]}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(response.data))
    assert archive.testzip() is None
    names = archive.namelist()
    assert names == [*AWKWARD_NAMES.values(), f"{len(lines) + 1:06}.jpg", "manifest.json"]
    assert len({name.casefold() for name in names}) == len(names)
    for number, name in enumerate(names[:-1]):
        assert archive.read(name) == PICTURE + bytes([number])
    manifest = json.loads(archive.read("manifest.json"))
    assert [entry.get("file") for entry in manifest] == [*names[:-1], None]
    assert manifest[-1]["error"]["code"] == "image-undecodable"
    assert [entry.get("custom_id") for entry in manifest] == [*AWKWARD_NAMES, None, None]
    assert "url" not in manifest[0]["result"]


def test_a_job_that_was_tried_again_is_in_the_archive_once(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    batch = accepted(post_lines(client, PAIR))
    (job_id,) = job_ids(batch["id"], 1)
    give_up(store, job_id)
    store.retry(job_id, OWNER)
    paint(store, storage, job_id)
    assert [row["status"] for row in rows(client.get(batch["links"]["results"]))] == ["succeeded"] * 2
    archive = zipfile.ZipFile(io.BytesIO(client.get(batch["links"]["archive"]).data))
    assert archive.namelist() == ["000001.jpg", "manifest.json"]


def test_output_and_errors_lead_to_the_written_objects_once_all_jobs_have_ended(
    client: FlaskClient, store: JobStore, storage: Storage, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, PAIR, b"{", PAIR))
    one, _, three = job_ids(batch["id"], 3)
    assert (batch["links"]["output"], batch["links"]["errors"]) == (None, None)
    detail = assert_problem(client.get(batch["links"]["self"] + "/output"), 409, "batch-not-finished")
    assert "running" in detail
    paint(store, storage, one)
    give_up(store, three)
    Finalizer(batches, store, storage).finalize()
    links = (client.get(batch["links"]["self"]).json or {})["links"]
    for link, expected in (("output", [(1, "succeeded")]), ("errors", [(3, "failed"), (2, None)])):
        response = client.get(links[link])
        assert (response.status_code, response.headers["Cache-Control"]) == (303, "no-store")
        written = httpx.get(response.headers["Location"])
        assert written.headers["Content-Type"] == NDJSON
        found = [json.loads(line) for line in written.text.splitlines()]
        assert [(row["line"], row.get("status")) for row in found] == expected


# --- the client's wishes --------------------------------------------------------------------------


def test_cancel_is_200_if_nothing_runs_202_if_something_does_and_409_at_the_end(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    waiting = accepted(post_lines(client, PAIR, PAIR))
    response = client.post(waiting["links"]["cancel"])
    assert (response.status_code, (response.json or {})["counts"]["canceled"]) == (200, 2)
    running = accepted(post_lines(client, PAIR, PAIR))
    claim = claimed(store, job_ids(running["id"], 1)[0])
    for _ in range(2):
        response = client.post(running["links"]["cancel"])
        counts = (response.json or {})["counts"]
        assert (response.status_code, counts["canceling"], counts["canceled"]) == (202, 1, 1)
    assert (response.json or {})["cancel_requested_at"] is not None
    store.release(claim, counts=False)
    finalize(batches)
    assert (client.get(running["links"]["self"]).json or {})["status"] == "canceled"
    for batch in (waiting, running):
        assert_problem(client.post(batch["links"]["cancel"]), 409, "batch-finished")


def test_retry_queues_what_failed_again_or_what_is_asked_for(
    client: FlaskClient, store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR, PAIR))
    one, two, three = job_ids(batch["id"], 3)
    retry = batch["links"]["self"] + "/retry"
    give_up(store, one)
    for job_id in (two, three):
        store.cancel(job_id, OWNER)
    finalize(batches)
    connection.delete("stylize.bulk", "sq:calls:bulk")
    response = client.post(retry)
    assert accepted(response)["counts"] | {"queued": 1, "canceled": 2, "failed": 0} == response.json["counts"]  # type: ignore[index]
    assert connection.llen("stylize.bulk") == 1
    give_up(store, one)
    assert accepted(client.post(retry, json={"only": "canceled"}))["counts"]["queued"] == 2
    assert accepted(client.post(retry, json={"only": "all"}))["counts"]["queued"] == 3
    assert_problem(client.post(retry, json={"only": "succeeded"}), 422, "invalid-parameter", "/only")
    claimed(store, one)
    client.post(batch["links"]["cancel"])
    assert_problem(client.post(retry), 409, "batch-not-finished")


@pytest.mark.parametrize("only", ["failed", "all"])
def test_a_retry_may_leave_out_what_failed_for_good(
    client: FlaskClient, store: JobStore, batches: BatchStore, only: str
) -> None:
    batch = accepted(post_lines(client, *[PAIR] * 4))
    for_good, once, canceled, done = job_ids(batch["id"], 4)
    fail(store, for_good)
    store.fail(claimed(store, once), ERROR.model_copy(update={"retryable": True}))
    store.cancel(canceled, OWNER)
    succeed(store, done)
    finalize(batches)
    answer = client.post(batch["links"]["self"] + "/retry", json={"only": only, "permanent": False})
    assert {status: count for status, count in accepted(answer)["counts"].items() if count} == (
        {"queued": 2, "failed": 1, "succeeded": 1}
        if only == "all"
        else {"queued": 1, "failed": 1, "canceled": 1, "succeeded": 1}
    )
    assert store.get(for_good).status is JobStatus.FAILED
    again = client.post(batch["links"]["self"] + "/retry", json={"permanent": False})
    assert again.status_code == 202


def test_a_retry_whose_body_comes_in_chunks_is_read(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, PAIR))
    store.cancel(job_ids(batch["id"], 1)[0], OWNER)
    finalize(batches)
    response = client.post(
        batch["links"]["self"] + "/retry",
        input_stream=io.BytesIO(b'{"only": "canceled"}'),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},  # as Gunicorn says of chunks
    )
    assert accepted(response)["counts"]["queued"] == 1


def test_delete_waits_for_the_end_and_leaves_neither_records_nor_objects(
    client: FlaskClient, store: JobStore, storage: Storage, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, *[PAIR] * 120, b"{"))
    ids = job_ids(batch["id"], 120)
    assert_problem(client.delete(batch["links"]["self"]), 409, "batch-not-finished")
    for job_id in (ids[0], ids[119]):
        paint(store, storage, job_id)
    client.post(batch["links"]["cancel"])
    Finalizer(batches, store, storage).finalize()
    ended = batches.look(batch["id"], OWNER).batch
    objects = [*(result_key(OWNER, job_id, "jpg") for job_id in (ids[0], ids[119]))]
    objects += [ended.output_key or "", ended.errors_key or ""]
    assert all(map(storage.exists, objects))
    assert client.delete(batch["links"]["self"]).status_code == 204
    assert not any(map(storage.exists, objects))
    assert_problem(client.get(batch["links"]["self"]), 404, "batch-not-found")
    assert_problem(client.get(f"/v1/jobs/{ids[5]}"), 404, "job-not-found")
    assert (client.get("/v1/jobs").json or {})["jobs"] == []


def test_a_batch_whose_reading_was_interrupted_says_so_and_can_be_deleted(
    client: FlaskClient, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id, _ = batches.begin(OWNER, {}, None)
    assert (client.get(f"{BATCHES}/{batch_id}").json or {})["status"] == BatchStatus.VALIDATING
    connection.zadd("sq:validating", {batch_id: 0})
    batches.sweep()
    batch = client.get(f"{BATCHES}/{batch_id}").json or {}
    assert (batch["status"], batch["error"]["code"]) == ("failed", "interrupted")
    assert client.delete(f"{BATCHES}/{batch_id}").status_code == 204
    assert_nothing_left(client, connection)


def test_an_unknown_batch_and_another_owners_are_404_on_every_route(app: Flask, batches: BatchStore) -> None:
    client = as_owner(app, "anna")
    foreign = accept_batch(batches, bulk(2), owner="someone-else")
    for batch_id in (foreign, "batch_0"):
        routes = [("GET", ""), ("GET", "?wait=5"), ("DELETE", "")]
        routes += [("POST", step) for step in ("/cancel", "/retry")]
        parts = ("/jobs", "/results", "/rejected", "/archive", "/output", "/errors", "/events")
        routes += [("GET", part) for part in parts]
        for method, route in routes:
            response = client.open(f"{BATCHES}/{batch_id}{route}", method=method)
            assert_problem(response, 404, "batch-not-found")
    assert (client.get(f"/v1/jobs?batch_id={foreign}").json or {})["jobs"] == []
    assert (client.get(BATCHES).json or {})["batches"] == []
    assert batches.look(foreign, "someone-else").batch.counts[JobStatus.QUEUED] == 2
