"""Pictures in a client's own bucket, and the objects that remain after deletions, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.object_keys import result_key, upload_key
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.wire.records import JobStatus
from tests.access import as_owner
from tests.agreement import assert_counters_agree, members
from tests.jobs import ERROR, QUEUES, RESULT, claimed, let_time_pass
from tests.servers import free_port
from tests.service import (
    NDJSON,
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    data_uri,
    jobs_of,
    ndjson,
    paint,
    post_lines,
    rows,
    sha256,
    started,
)
from worker.upkeep.removal import Removal

JOBS = "/v1/jobs"
CUSTOMERS = "customers"
CAT = {"key": "2026/cat.jpg"}
CAT_KEY = f"results/{OWNER}/2026/cat.jpg"


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
    """End the job as a worker does; tests/integration/test_job_runner.py shows the real steps."""
    claim = claimed(store, job["id"])
    storage.put(key, PICTURE, "image/jpeg", bucket=bucket)
    update = {"key": key, "bucket": bucket, "bytes": len(PICTURE), "sha256": sha256(PICTURE)}
    store.succeed(claim, RESULT.model_copy(update=update))


def stored(client: FlaskClient, job: dict[str, Any]) -> dict[str, Any]:
    return dict((client.get(job["links"]["self"]).json or {})["result"])


# --- a key of its own -------------------------------------------------------------------------------


def test_two_jobs_do_not_share_a_key_and_the_second_is_told_who_has_it(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    first = submit(client, **CAT)
    refused = client.post(JOBS, json={**PAIR, "output": CAT})
    assert first["id"] in assert_problem(refused, 409, "output-key-taken", "/output/key")
    finish(store, storage, first, CAT_KEY)
    assert_problem(client.post(JOBS, json={**PAIR, "output": CAT}), 409, "output-key-taken", "/output/key")
    assert stored(client, first)["key"] == CAT_KEY
    assert submit(client, key="2026/dog.jpg")["id"] != first["id"]


def test_another_owners_key_of_the_same_name_is_another_place(app: Flask) -> None:
    for owner in ("anna", "bert"):
        assert submit(as_owner(app, owner), **CAT)["status"] == "queued"


def test_a_key_is_free_again_when_its_deleted_picture_is_gone_and_not_before(
    client: FlaskClient, store: JobStore, storage: Storage, removal: Removal
) -> None:
    first = submit(client, **CAT)
    finish(store, storage, first, CAT_KEY)
    assert client.delete(first["links"]["self"]).status_code == 204
    refused = client.post(JOBS, json={**PAIR, "output": CAT})
    assert "still being removed" in assert_problem(refused, 409, "output-key-taken", "/output/key")
    removal.work_off()
    assert not storage.exists(CAT_KEY)
    second = submit(client, **CAT)
    finish(store, storage, second, CAT_KEY)
    removal.work_off()
    assert storage.exists(CAT_KEY)
    client.delete(second["links"]["self"])
    removal.work_off()
    assert not storage.exists(CAT_KEY)


def test_a_job_that_never_wrote_a_picture_gives_the_key_up_and_fails_clearly_at_a_retry(
    client: FlaskClient, store: JobStore, storage: Storage, removal: Removal
) -> None:
    canceled = submit(client, **CAT)
    client.post(canceled["links"]["cancel"])
    failed = submit(client, **CAT)
    store.fail(claimed(store, failed["id"]), ERROR)
    owner_of_it = submit(client, **CAT)
    for job in (canceled, failed):
        refused = client.post(job["links"]["self"] + "/retry")
        assert "output.key" in assert_problem(refused, 409, "job-finished")
    assert client.post("/v1/dead-letters/replay").json == {"replayed": 0}
    finish(store, storage, owner_of_it, CAT_KEY)
    for job in (canceled, failed):
        client.delete(job["links"]["self"])
    removal.work_off()
    assert storage.exists(CAT_KEY), "a job that had given its key up took the other one's picture along"
    client.delete(owner_of_it["links"]["self"])


def test_a_job_that_may_still_write_its_picture_keeps_the_key_and_a_retry_takes_it_again(
    client: FlaskClient, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    job = accepted(client.post(JOBS, json={**PAIR, "output": CAT, "max_attempts": 1}))
    claimed(store, job["id"])
    let_time_pass(connection, "leases")
    lanes.sweep(30, QUEUES)
    assert (client.get(job["links"]["self"]).json or {})["error"]["code"] == "worker-lost"
    assert_problem(client.post(JOBS, json={**PAIR, "output": CAT}), 409, "output-key-taken", "/output/key")
    assert client.post(job["links"]["self"] + "/retry").status_code == 202


@pytest.mark.parametrize(
    "key",
    [
        "", "/cat.jpg", "a//b.jpg", "../b.jpg", "a/../b.jpg", "a/./b.jpg", ".hidden", "a/.b", "a b", "a\\b",
        "ü", "a/", "job_1.jpg", "batch_1/output.ndjson", "cat.png", "cat.webp", "a" * 151,
        "a/" * 250 + "b", "a%2fb",
    ],
)  # fmt: skip
def test_a_key_that_is_unsafe_or_the_services_own_or_of_another_format_is_refused(
    client: FlaskClient, key: str
) -> None:
    response = client.post(JOBS, json={**PAIR, "output": {"key": key}})
    assert_problem(response, 422, "invalid-parameter", "/output/key")


@pytest.mark.parametrize("key", ["cat", "a/b/c.JPG", "cat.jpeg", "2026-11.d/cat_(1)=x@y+z,!.dat", "a" * 150])
def test_other_keys_are_taken_as_they_are(client: FlaskClient, key: str) -> None:
    assert submit(client, key=key)["request"]["output"]["key"] == key


def test_lines_of_a_batch_are_rejected_alone_and_an_atomic_batch_as_a_whole(
    client: FlaskClient, connection: redis.Redis
) -> None:
    holder = submit(client, **CAT)
    lines = [{**PAIR, "output": {"key": key}} for key in ("2026/cat.jpg", "new.jpg", "new.jpg", "other.jpg")]
    batch = accepted(post_lines(client, *lines))
    assert (batch["total"], batch["rejected"]) == (2, 2)
    found = {line["line"]: line for line in rows(client.get(batch["links"]["rejected"]))}
    assert {line["pointer"] for line in found.values()} == {"/output/key"}
    assert found[1]["code"] == "output-key-taken"
    assert holder["id"] in found[1]["detail"]
    assert found[3]["detail"] == "Line 2 has the same output.key"
    atomic = [{**PAIR, "output": {"key": key}} for key in ("fresh.jpg", "2026/cat.jpg")]
    refused = client.post("/v1/batches?atomic=true", data=ndjson(*atomic), content_type=NDJSON)
    assert_problem(refused, 422, "batch-rejected")
    assert submit(client, key="fresh.jpg")["status"] == "queued"


# --- the client's own bucket --------------------------------------------------------------------------


def test_a_picture_in_the_clients_bucket_is_told_shown_archived_and_never_removed(
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


def test_owners_who_share_a_bucket_share_its_keys(app: Flask) -> None:
    place = {"bucket": CUSTOMERS, "key": "shared.jpg"}
    submit(as_owner(app, "anna"), **place)
    refused = as_owner(app, "bert").post(JOBS, json={**PAIR, "output": place})
    assert_problem(refused, 409, "output-key-taken", "/output/key")


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
