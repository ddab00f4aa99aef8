"""Jobs that name uploads: refused until the files have arrived, at the cost of few requests to S3."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.intake.known_uploads import MOST_ASKING
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.access import as_owner
from tests.faults.wires.http_proxy import HttpProxy, S3Fault
from tests.stacks.servers import wait_until
from tests.stacks.service import (
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    post_lines,
    sha256,
    started,
)

NEVER_SENT = "0" * 64
URL = {"url": "https://example.org/a.jpg"}


@pytest.fixture
def asked(proxy: HttpProxy) -> list[str]:
    """Return the methods of the requests to S3 so far."""
    methods: list[str] = []
    proxy.own_answer = lambda request: methods.append(request.method)
    return methods


@pytest.fixture
def client(app: Flask, settings: Settings, proxied_settings: Settings) -> Iterator[FlaskClient]:
    """A client of a service that reaches S3 through the proxy and has just been started."""
    yield started(app, settings, Storage(proxied_settings))
    started(app, settings, Storage(settings))


def named(upload_id: str) -> dict[str, str]:
    return {"upload_id": upload_id}


def send(storage: Storage, *files: bytes, owner: str = OWNER) -> list[dict[str, str]]:
    """Put files as their owner's client would, and return the sources that name them."""
    for file in files:
        storage.put(upload_key(owner, sha256(file)), file, "image/jpeg")
    return [named(sha256(file)) for file in files]


def photos(count: int, of: str) -> list[bytes]:
    return [PICTURE + f"{of} {number}".encode() for number in range(count)]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"content": named(NEVER_SENT)}, "/content/upload_id"),
        ({"style": named(NEVER_SENT)}, "/style/upload_id"),
        ({"style": None, "styles": [URL, named(NEVER_SENT)]}, "/styles/1/upload_id"),
    ],
)
def test_a_job_that_names_an_upload_that_was_never_sent_is_refused(
    client: FlaskClient, connection: redis.Redis, members: dict[str, Any], pointer: str
) -> None:
    job = {key: value for key, value in {**PAIR, **members}.items() if value is not None}
    detail = assert_problem(client.post("/v1/jobs", json=job), 409, "upload-missing", pointer)
    assert (NEVER_SENT in detail, "POST /v1/uploads" in detail) == (True, True)
    assert connection.keys("sq:job:*") == []


def test_an_announcement_alone_is_no_arrival_and_a_file_that_comes_later_is(client: FlaskClient) -> None:
    file = PICTURE + b"sent later"
    announcement = {"sha256": sha256(file), "bytes": len(file), "content_type": "image/jpeg"}
    place = client.post("/v1/uploads", json=announcement).json or {}
    job = {**PAIR, "content": named(sha256(file))}
    assert_problem(client.post("/v1/jobs", json=job), 409, "upload-missing", "/content/upload_id")
    httpx.put(place["url"], content=file, headers=place["headers"]).raise_for_status()
    accepted(client.post("/v1/jobs", json=job))


def test_another_owners_upload_has_not_arrived(client: FlaskClient, storage: Storage, app: Flask) -> None:
    (source,) = send(storage, PICTURE + b"of bert", owner="bert")
    anna = as_owner(app, "anna")
    response = anna.post("/v1/jobs", json={**PAIR, "content": source})
    assert_problem(response, 409, "upload-missing", "/content/upload_id")
    accepted(as_owner(app, "bert").post("/v1/jobs", json={**PAIR, "content": source}))


def test_an_upload_that_many_jobs_name_is_looked_for_once(
    client: FlaskClient, storage: Storage, asked: list[str]
) -> None:
    content, style = send(storage, PICTURE + b"content", PICTURE + b"style")
    for _ in range(5):
        accepted(client.post("/v1/jobs", json={"content": content, "style": style}))
    assert asked == ["GET", "GET"]


@pytest.mark.parametrize(
    ("file", "why"),
    [(b"", "is empty"), (b"<html>no picture</html>", "is HTML or XML"), (b"words", "is not an image")],
)
def test_an_upload_that_is_no_picture_is_refused_at_submit(
    client: FlaskClient, storage: Storage, asked: list[str], file: bytes, why: str
) -> None:
    good, wrong = send(storage, PICTURE + b"good", file)
    job = {"content": good, "style": wrong}
    detail = assert_problem(
        client.post("/v1/jobs", json=job), 415, "unsupported-media-type", "/style/upload_id"
    )
    assert (wrong["upload_id"] in detail, why in detail) == (True, True)
    (line,) = accepted(post_lines(client, {**PAIR, "content": good}, job))["rejected_lines"]
    assert (line["line"], line["code"], line["pointer"]) == (2, "unsupported-media-type", "/style/upload_id")
    assert asked == ["GET"] * 3, "the good one was remembered"


def test_a_wrong_file_that_was_announced_again_is_still_refused(
    client: FlaskClient, storage: Storage
) -> None:
    (wrong,) = send(storage, b"words")
    announcement = {"sha256": wrong["upload_id"], "bytes": 5, "content_type": "image/jpeg"}
    assert (client.post("/v1/uploads", json=announcement).json or {})["exists"] is True
    response = client.post("/v1/jobs", json={**PAIR, "content": wrong})
    assert_problem(response, 415, "unsupported-media-type", "/content/upload_id")


def test_files_that_came_with_a_job_are_not_looked_for(client: FlaskClient, asked: list[str]) -> None:
    job = {**PAIR, "content": {"data": data_uri(PICTURE + b"inline")}}
    accepted(client.post("/v1/jobs", json=job))
    accepted(client.post("/v1/jobs", json={**PAIR, "style": named(sha256(PICTURE + b"inline"))}))
    assert asked == ["PUT"]


def test_lines_of_a_batch_with_missing_uploads_are_rejected(client: FlaskClient, storage: Storage) -> None:
    (content,) = send(storage, PICTURE + b"there")
    lines = [
        {**PAIR, "content": content},
        {**PAIR, "content": named(NEVER_SENT)},
        {**PAIR, "style": {"data": data_uri(PICTURE + b"first line")}},
        {**PAIR, "style": named(sha256(PICTURE + b"first line"))},
    ]
    batch = accepted(post_lines(client, *lines))
    (line,) = batch["rejected_lines"]
    assert (line["line"], line["code"], line["pointer"]) == (2, "upload-missing", "/content/upload_id")
    assert batch["total"] == 3
    atomic = post_lines(client, *lines, query_string={"atomic": "true"})
    assert_problem(atomic, 422, "batch-rejected")


@pytest.mark.parametrize(
    "batch",
    [
        {"jobs": [{"content": URL}], "defaults": {"style": named(NEVER_SENT)}},
        {"jobs": [{"content": URL, "styles": [named(NEVER_SENT)]}]},
        {"matrix": {"contents": [URL, URL], "styles": [named(NEVER_SENT)]}},
        {"content_prefix": f"s3://stylequeue/uploads/{OWNER}/", "styles": [named(NEVER_SENT)]},
    ],
)
def test_every_form_of_a_batch_is_held_to_it(
    client: FlaskClient, storage: Storage, batch: dict[str, Any]
) -> None:
    storage.put(f"uploads/{OWNER}/photo.jpg", PICTURE, "image/jpeg")
    response = client.post("/v1/batches", json=batch)
    assert_problem(response, 422, "batch-rejected")
    errors = (response.json or {})["errors"]
    assert {error["pointer"].rpartition("/")[2] for error in errors} == {"upload_id"}


def test_a_default_that_no_line_needs_is_not_held_against_it(client: FlaskClient) -> None:
    accepted(client.post("/v1/batches", json={"jobs": [PAIR], "defaults": {"style": named(NEVER_SENT)}}))


def test_a_large_batch_costs_a_handful_of_questions(
    client: FlaskClient, storage: Storage, asked: list[str]
) -> None:
    with ThreadPoolExecutor(8) as threads:
        files = photos(300, "batch")
        contents = [
            source for found in threads.map(lambda file: send(storage, file), files) for source in found
        ]
    lines = [{"content": content, "style": contents[0]} for content in contents]
    batch = accepted(post_lines(client, *lines, {**PAIR, "content": named(NEVER_SENT)}))
    assert (batch["total"], batch["rejected"]) == (300, 1)
    assert len(asked) <= 3
    assert accepted(post_lines(client, *lines))["total"] == 300
    assert len(asked) <= 3


def test_an_id_that_is_spelled_with_escapes_is_taken_and_left_to_the_worker(client: FlaskClient) -> None:
    line = json.dumps({**PAIR, "content": named(NEVER_SENT)}).replace("upload_id", "upload\\u005fid")
    assert accepted(post_lines(client, line.encode()))["total"] == 1


# --- S3 on a bad day ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [S3Fault.REFUSE, S3Fault.ERROR])
def test_jobs_are_accepted_while_s3_is_away_and_it_is_not_asked_each_time(
    client: FlaskClient, proxy: HttpProxy, fault: S3Fault
) -> None:
    proxy.inject(fault)
    for _ in range(5):
        accepted(client.post("/v1/jobs", json={**PAIR, "content": named(NEVER_SENT)}))
    assert proxy.faults == 1
    batch = accepted(post_lines(client, *[{**PAIR, "content": named(hash_of(n))} for n in range(20)]))
    assert batch["total"] == 20
    assert proxy.faults == 1


def hash_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_a_hanging_s3_holds_up_few_submissions_and_those_not_for_long(
    client: FlaskClient, app: Flask, proxy: HttpProxy
) -> None:
    proxy.inject(S3Fault.HANG)

    def submit(number: int) -> int:
        job = {**PAIR, "content": named(hash_of(number))}
        return app.test_client().post("/v1/jobs", json=job).status_code

    with ThreadPoolExecutor(2 * MOST_ASKING) as threads:
        statuses = [threads.submit(submit, number) for number in range(2 * MOST_ASKING)]
        wait_until(lambda: proxy.held > 0, what="a question that hangs")
        assert [status.result() for status in statuses] == [202] * 2 * MOST_ASKING
    assert proxy.faults <= MOST_ASKING
