"""Jobs submitted without a key, as their new owner sees them over HTTP; the tests play the worker."""

from __future__ import annotations

import hashlib
from io import BytesIO
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.object_keys import upload_key
from shared.storage.objects import Storage
from shared.store.adoption import Adoption
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.object_gc import ObjectGarbage
from tests.access import as_owner
from tests.checks.agreement import assert_counters_agree
from tests.jobs import let_time_pass
from tests.stacks.service import PAIR, PICTURE, accepted, assert_problem, paint, post_lines, rows
from worker.upkeep.finalizer import Finalizer
from worker.upkeep.removal import Removal


@pytest.fixture
def nobody(app: Flask) -> FlaskClient:
    return app.test_client()


def submitted(client: FlaskClient) -> str:
    """Submit a job with two files; return its id."""
    files = {"content": (BytesIO(PICTURE), "a.jpg"), "style": (BytesIO(PICTURE), "b.jpg")}
    return str(accepted(client.post("/v1/jobs", data=files))["id"])


def test_a_result_is_fetched_and_deleted_by_the_new_owner_alone(
    app: Flask, connection: redis.Redis, store: JobStore, storage: Storage, nobody: FlaskClient
) -> None:
    job_id = submitted(nobody)
    paint(store, storage, job_id)
    me, other = as_owner(app, "me"), as_owner(app, "other")
    job = f"/v1/jobs/{job_id}"
    assert_problem(me.get(job), 404, "job-not-found")
    Adoption(connection).adopt("me")
    found = me.get(f"{job}/result").headers["Location"]
    assert urlsplit(found).path.endswith(f"/results/anonymous/{job_id}.jpg")
    assert httpx.get(found).content == PICTURE
    assert_problem(other.get(job), 404, "job-not-found")
    assert me.delete(job).status_code == 204
    assert httpx.get(found).status_code == 404
    assert_counters_agree(connection)


def test_uploads_stay_while_an_adopted_job_names_them_and_go_with_the_last(
    app: Flask, connection: redis.Redis, storage: Storage, nobody: FlaskClient
) -> None:
    job_id, removal = submitted(nobody), Removal(ObjectGarbage(connection), storage, 3600)
    me = as_owner(app, "me")
    Adoption(connection).adopt("me")
    upload = upload_key("anonymous", hashlib.sha256(PICTURE).hexdigest())
    let_time_pass(connection, "uploads")
    removal.work_off()
    assert storage.exists(upload)
    assert me.delete(f"/v1/jobs/{job_id}").status_code == 204
    let_time_pass(connection, "uploads")
    removal.work_off()
    assert not storage.exists(upload)


def test_a_batch_is_read_tried_again_and_its_results_are_written_where_they_were(
    app: Flask,
    connection: redis.Redis,
    store: JobStore,
    batches: BatchStore,
    storage: Storage,
    nobody: FlaskClient,
) -> None:
    batch = accepted(post_lines(nobody, PAIR, PAIR, {"no": "job"}))["id"]
    me, url = as_owner(app, "me"), f"/v1/batches/{batch}"
    Adoption(connection).adopt("me")
    jobs = [job["id"] for job in (me.get(f"{url}/jobs").json or {})["jobs"]]
    paint(store, storage, jobs[0])
    store.cancel(jobs[1], "me")
    Finalizer(batches, store, storage).finalize()
    seen = me.get(url).json or {}
    assert (seen["status"], seen["counts"]["succeeded"], seen["rejected"]) == ("completed", 1, 1)
    output = me.get(f"{url}/output").headers["Location"]
    assert urlsplit(output).path.endswith(f"/results/anonymous/{batch}/output.ndjson")
    assert [row["job_id"] for row in rows(me.get(f"{url}/results?status=succeeded"))] == jobs[:1]
    assert accepted(me.post(f"{url}/retry", json={"only": "canceled"}))["counts"]["queued"] == 1
    assert_counters_agree(connection)
