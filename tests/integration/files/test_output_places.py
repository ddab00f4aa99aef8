"""Pictures in a client's own bucket, and the objects that remain after deletions, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from pydantic_core import from_json, to_json

from shared.policy.object_keys import result_key, upload_key
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import ObjectGarbage
from shared.wire.records import JobStatus
from tests.access import as_owner
from tests.checks.agreement import assert_counters_agree, members
from tests.jobs import RESULT, claimed, end_job, let_time_pass
from tests.stacks.ports import free_port
from tests.stacks.service import (
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    jobs_of,
    paint,
    post_lines,
    rows,
    sha256,
    started,
)
from worker.upkeep.removal import Removal

JOBS = "/v1/jobs"
CUSTOMERS = "customers"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    allowed = (CUSTOMERS, "anna:only-hers")
    changes = {"s3_output_buckets": allowed, "s3_source_buckets": (CUSTOMERS,)}
    BucketSetup(settings.model_copy(update={"s3_bucket": CUSTOMERS})).create()
    return settings.model_copy(update=changes)


@pytest.fixture
def app(module_app: Flask, settings: Settings, connection: redis.Redis) -> Iterator[Flask]:
    started(module_app, settings)
    yield module_app
    assert_counters_agree(connection)


@pytest.fixture
def removal(connection: redis.Redis, storage: Storage) -> Removal:
    return Removal(ObjectGarbage(connection), storage, 3600)


def submit(client: FlaskClient, **output: Any) -> dict[str, Any]:
    return accepted(client.post(JOBS, json={**PAIR, "output": output}))


def finish(
    store: JobStore, storage: Storage, job: dict[str, Any], key: str, bucket: str | None = None
) -> None:
    """End the job as a worker does; tests/integration/jobs/test_job_runner.py shows the real steps."""
    claim = claimed(store, job["id"])
    storage.put(key, PICTURE, "image/jpeg", bucket=bucket)
    update = {"key": key, "bucket": bucket, "bytes": len(PICTURE), "sha256": sha256(PICTURE)}
    end_job(store, claim, RESULT.model_copy(update=update))


def stored(client: FlaskClient, job: dict[str, Any]) -> dict[str, Any]:
    return dict((client.get(job["links"]["self"]).json or {})["result"])


# --- a key of its own -------------------------------------------------------------------------------


def test_a_key_in_the_services_bucket_is_refused_and_a_line_with_one_is_rejected_alone(
    client: FlaskClient,
) -> None:
    chosen = {**PAIR, "output": {"key": "2026/cat.jpg"}}
    refused = client.post(JOBS, json=chosen)
    assert "output.bucket" in assert_problem(refused, 422, "invalid-parameter", "/output/key")
    batch = accepted(post_lines(client, chosen, PAIR))
    assert (batch["total"], batch["rejected"]) == (1, 1)
    (line,) = rows(client.get(batch["links"]["rejected"]))
    assert (line["line"], line["pointer"]) == (1, "/output/key")


def test_a_job_of_an_older_version_that_chose_a_key_is_shown_and_its_picture_goes_with_it(
    client: FlaskClient, store: JobStore, storage: Storage, connection: redis.Redis, removal: Removal
) -> None:
    job, key = submit(client), f"results/{OWNER}/2026/cat.jpg"
    request = from_json(str(connection.hget(f"sq:job:{job['id']}", "request")))
    request["output"] = {"key": "2026/cat.jpg"}
    connection.hset(f"sq:job:{job['id']}", "request", to_json(request).decode())
    connection.hset("sq:places", key, job["id"])
    finish(store, storage, job, key)
    shown = dict(client.get(job["links"]["self"]).json or {})
    assert (shown["request"]["output"]["key"], shown["result"]["key"]) == ("2026/cat.jpg", key)
    assert client.delete(job["links"]["self"]).status_code == 204
    removal.work_off()
    assert not storage.exists(key)


@pytest.mark.parametrize(
    "key",
    [
        "", "/cat.jpg", "a//b.jpg", "../b.jpg", "a/../b.jpg", "a/./b.jpg", ".hidden", "a/.b", "a b", "a\\b",
        "ü", "a/", "cat.png", "cat.webp", "a" * 151,
        "a/" * 250 + "b", "a%2fb",
    ],
)  # fmt: skip
def test_a_key_that_is_unsafe_or_of_another_format_is_refused(client: FlaskClient, key: str) -> None:
    response = client.post(JOBS, json={**PAIR, "output": {"bucket": CUSTOMERS, "key": key}})
    assert_problem(response, 422, "invalid-parameter", "/output/key")


@pytest.mark.parametrize(
    "key", ["cat", "a/b/c.JPG", "cat.jpeg", "2026-11.d/cat_(1)=x@y+z,!.dat", "a" * 150, "job_1.jpg"]
)
def test_other_keys_are_taken_as_they_are(client: FlaskClient, key: str) -> None:
    assert submit(client, bucket=CUSTOMERS, key=key)["request"]["output"]["key"] == key


# --- the client's own bucket --------------------------------------------------------------------------


def test_a_picture_in_the_clients_bucket_is_reported_shown_archived_and_never_removed(
    client: FlaskClient, store: JobStore, storage: Storage, removal: Removal
) -> None:
    batch = accepted(post_lines(client, {**PAIR, "output": {"bucket": CUSTOMERS, "key": "out/cat.jpg"}}))
    (job,) = jobs_of(client, batch)
    finish(store, storage, job, "out/cat.jpg", CUSTOMERS)
    result = stored(client, job)
    assert (result["bucket"], result["key"]) == (CUSTOMERS, "out/cat.jpg")
    url = client.get(result["url"]).headers["Location"]
    assert f"/{CUSTOMERS}/out/cat.jpg?" in url
    (row,) = rows(client.get(batch["links"]["results"]))
    assert f"/{CUSTOMERS}/out/cat.jpg?" in row["result"]["url"]
    assert PICTURE in client.get(batch["links"]["archive"]).data
    assert client.delete(job["links"]["self"]).status_code == 204
    removal.work_off()
    assert storage.get("out/cat.jpg", bucket=CUSTOMERS, max_bytes=1000) == PICTURE


def test_only_listed_buckets_are_written_to_and_one_owners_only_for_this_owner(app: Flask) -> None:
    hers = {**PAIR, "output": {"bucket": "only-hers", "key": "a.jpg"}}
    assert as_owner(app, "anna").post(JOBS, json=hers).status_code == 202
    for bucket in ("only-hers", "stylequeue", "photos"):
        job = {**PAIR, "output": {"bucket": bucket}}
        refused = as_owner(app, "bert").post(JOBS, json=job)
        assert_problem(refused, 403, "bucket-not-allowed", "/output/bucket")
        refused = as_owner(app, "bert").post("/v1/batches", json={"jobs": [job]})
        assert_problem(refused, 422, "batch-rejected")


def test_two_jobs_may_choose_one_key_of_the_clients_bucket(client: FlaskClient) -> None:
    for _ in range(2):
        assert submit(client, bucket=CUSTOMERS, key="shared.jpg")["status"] == "queued"


# --- delete means delete ------------------------------------------------------------------------------


def test_a_deleted_job_takes_the_files_along_that_nothing_else_names(
    client: FlaskClient, connection: redis.Redis, storage: Storage, removal: Removal
) -> None:
    mine, shared = PICTURE + b"only of this job", PICTURE + b"of both"
    first, _ = (
        accepted(
            client.post(JOBS, json={"content": {"data": data_uri(each)}, "style": {"data": data_uri(shared)}})
        )
        for each in (mine, shared)
    )
    client.delete(first["links"]["self"])
    removal.work_off()
    assert storage.exists(upload_key(OWNER, sha256(mine))), "another job may be on its way that names it"
    for upload in members(connection, "sq:uploads"):
        connection.zadd("sq:uploads", {upload: -1})  # an hour has passed
    removal.work_off()
    assert not storage.exists(upload_key(OWNER, sha256(mine)))
    assert storage.exists(upload_key(OWNER, sha256(shared)))


def test_while_the_storage_is_away_delete_is_answered_and_nothing_is_left_later(
    app: Flask, settings: Settings, store: JobStore, storage: Storage, removal: Removal
) -> None:
    away = settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    client = started(app, settings, Storage(away))
    job = submit(client)
    paint(store, storage, job["id"])
    assert client.delete(job["links"]["self"]).status_code == 204
    assert_problem(client.get(job["links"]["self"]), 404, "job-not-found")
    assert storage.exists(result_key(OWNER, job["id"], "jpg"))
    removal.work_off()
    assert not storage.exists(result_key(OWNER, job["id"], "jpg"))
    started(app, settings, storage)


def test_an_announced_file_that_is_just_being_removed_is_503_and_comes_back_whole(
    client: FlaskClient, connection: redis.Redis, storage: Storage, removal: Removal
) -> None:
    storage.put(upload_key(OWNER, sha256(PICTURE)), PICTURE, "image/jpeg")
    announcement = {"sha256": sha256(PICTURE), "bytes": len(PICTURE), "content_type": "image/jpeg"}
    assert (client.post("/v1/uploads", json=announcement).json or {})["exists"] is True
    let_time_pass(connection, "uploads")
    taken = ObjectGarbage(connection).take(10, 3600)
    named = {**PAIR, "style": {"upload_id": sha256(PICTURE)}}
    for response in (client.post("/v1/uploads", json=announcement), client.post(JOBS, json=named)):
        assert_problem(response, 503, "upload-being-removed")
        assert response.headers["Retry-After"]
    removal.remove(taken)
    place = client.post("/v1/uploads", json=announcement).json or {}
    assert place["exists"] is False
    httpx.put(place["url"], content=PICTURE, headers=place["headers"]).raise_for_status()
    assert accepted(client.post(JOBS, json=named))["status"] == JobStatus.QUEUED
