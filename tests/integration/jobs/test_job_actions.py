"""Polling a job, its result, cancel, retry and deletion over HTTP; the tests play the worker."""

from __future__ import annotations

import threading
from http import HTTPStatus

import httpx
import pytest
import redis
from flask.testing import FlaskClient

from shared.policy.object_keys import result_key
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.wire.records import JobError, JobStatus
from tests.integration.jobs.job_requests import submit
from tests.jobs import counts, end_job
from tests.stacks.service import OWNER, PAIR, PICTURE, assert_problem, paint


def test_an_unknown_job_is_404_on_every_route(client: FlaskClient) -> None:
    for method, path in [
        ("GET", "/v1/jobs/job_0"),
        ("GET", "/v1/jobs/job_0?wait=5"),
        ("GET", "/v1/jobs/job_0/result"),
        ("POST", "/v1/jobs/job_0/cancel"),
        ("POST", "/v1/jobs/job_0/retry"),
        ("DELETE", "/v1/jobs/job_0"),
    ]:
        assert_problem(client.open(path, method=method), 404, "job-not-found")


def test_an_unchanged_job_is_304_and_a_changed_one_is_200(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    first = client.get(job["links"]["self"])
    assert first.status_code == HTTPStatus.OK
    seen = {"If-None-Match": first.headers["ETag"]}
    again = client.get(job["links"]["self"], headers=seen)
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    store.claim(job["id"], 30)
    changed = client.get(job["links"]["self"], headers=seen)
    assert (changed.status_code, (changed.json or {})["status"]) == (200, "running")


def test_wait_holds_the_answer_until_the_job_has_finished(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job = submit(client)
    worker = threading.Timer(0.1, lambda: paint(store, storage, job["id"]))
    worker.start()
    response = client.get(job["links"]["self"] + "?wait=30")
    worker.join()
    assert (response.json or {})["status"] == "succeeded"
    assert "Retry-After" not in response.headers


def test_prefer_wait_holds_the_answer_to_the_submission(
    client: FlaskClient, connection: redis.Redis, store: JobStore, storage: Storage
) -> None:
    def work() -> None:
        while not counts(connection, OWNER)[JobStatus.QUEUED]:
            pass
        paint(store, storage, store.page(OWNER, limit=1).jobs[0].job_id)

    worker = threading.Thread(target=work)
    worker.start()
    response = client.post("/v1/jobs", json=PAIR, headers={"Prefer": "respond-async, wait=30"})
    worker.join()
    assert (response.status_code, (response.json or {})["status"]) == (202, "succeeded")


def test_wait_is_answered_at_once_while_the_service_holds_as_many_as_it_can(client: FlaskClient) -> None:
    job = submit(client)
    app = client.application
    places = app.extensions["stylequeue"].held_places
    assert places.take("another")
    assert places.take("another")
    response = client.get(job["links"]["self"] + "?wait=60")
    assert (response.status_code, response.headers["Retry-After"]) == (200, "5")


@pytest.mark.parametrize("wait", ["61", "-1", "x", "1.5"])
def test_a_wait_out_of_range_is_refused(client: FlaskClient, wait: str) -> None:
    job = submit(client)
    response = client.get(job["links"]["self"], query_string={"wait": wait})
    assert_problem(response, 422, "invalid-parameter", "/wait")


def test_a_result_is_a_redirect_to_the_picture(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job = submit(client)
    pending = client.get(job["links"]["result"])
    assert "queued" in assert_problem(pending, 409, "job-not-finished")
    paint(store, storage, job["id"])
    finished = client.get(job["links"]["self"]).json or {}
    assert finished["result"]["url"] == job["links"]["result"]
    response = client.get(job["links"]["result"])
    assert response.status_code == HTTPStatus.SEE_OTHER
    picture = httpx.get(response.headers["Location"])
    assert (picture.content, picture.headers["Content-Type"]) == (PICTURE, "image/jpeg")


def test_the_result_of_a_failed_job_says_why_there_is_none(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    claim = store.claim(job["id"], 30)
    assert claim is not None
    error = JobError(
        code="image-undecodable", detail="It is a text file.", stage="decode", retryable=False, attempts=1
    )
    end_job(store, claim, error)
    detail = assert_problem(client.get(job["links"]["result"]), 409, "job-not-finished")
    assert detail.endswith("It is a text file.")
    assert (client.get(job["links"]["self"]).json or {})["error"] == error.model_dump()


def test_cancel_is_200_while_waiting_202_while_running_and_409_at_the_end(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    waiting, running, done = (submit(client) for _ in range(3))
    store.claim(running["id"], 30)
    paint(store, storage, done["id"])
    assert (client.post(waiting["links"]["cancel"]).json or {})["status"] == "canceled"
    response = client.post(running["links"]["cancel"])
    assert (response.status_code, (response.json or {})["status"]) == (202, "canceling")
    assert_problem(client.post(done["links"]["cancel"]), 409, "job-finished")


def test_retry_queues_a_canceled_job_again(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    assert_problem(client.post(job["links"]["self"] + "/retry"), 409, "job-not-finished")
    client.post(job["links"]["cancel"])
    response = client.post(job["links"]["self"] + "/retry")
    assert (response.status_code, (response.json or {})["status"]) == (202, "queued")
    assert store.claim(job["id"], 30) is not None


def test_delete_removes_record_and_picture(client: FlaskClient, store: JobStore, storage: Storage) -> None:
    job = submit(client)
    paint(store, storage, job["id"])
    assert storage.exists(result_key(OWNER, job["id"], "jpg"))
    assert client.delete(job["links"]["self"]).status_code == HTTPStatus.NO_CONTENT
    assert_problem(client.get(job["links"]["self"]), 404, "job-not-found")
    assert not storage.exists(result_key(OWNER, job["id"], "jpg"))


def test_a_running_job_is_not_deleted(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    store.claim(job["id"], 30)
    assert_problem(client.delete(job["links"]["self"]), 409, "job-not-finished")


def test_the_list_pages_through_all_jobs(client: FlaskClient) -> None:
    ids = [submit(client, tags=["even"] if i % 2 == 0 else [])["id"] for i in range(5)]
    first = client.get("/v1/jobs?limit=3").json or {}
    rest = client.get(f"/v1/jobs?limit=3&cursor={first['next_cursor']}").json or {}
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == ids[::-1]
    assert rest["next_cursor"] is None
    tagged = client.get("/v1/jobs?tag=even&status=queued").json or {}
    assert [job["id"] for job in tagged["jobs"]] == ids[::-2]
    assert_problem(client.get("/v1/jobs?status=sleeping"), 422, "invalid-parameter", "/status")
    assert_problem(client.get("/v1/jobs?limit=101"), 422, "invalid-parameter", "/limit")
