"""Polling, listing and reading batches over HTTP; the tests play the worker."""

from __future__ import annotations

import io
import json
import threading
import zipfile

import httpx
import pytest
import redis
from flask.testing import FlaskClient

from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.workers import WorkerRegistry
from tests.integration.batches.batch_requests import BATCHES
from tests.jobs import claimed, job_ids, worker_info
from tests.stacks.service import (
    NDJSON,
    OWNER,
    PAIR,
    PICTURE,
    accepted,
    assert_problem,
    give_up,
    paint,
    post_lines,
    rows,
)
from worker.upkeep.finalizer import Finalizer

pytestmark = pytest.mark.usefixtures("counters_agree")


def announce(connection: redis.Redis, rate: float) -> None:
    """Announce a worker of this speed."""
    WorkerRegistry(connection).announce(worker_info(rate=rate))


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


AWKWARD_NAMES = {  # custom ids, and the end of each job
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
    assert names[-2:] == ["without-picture.txt", "manifest.json"]
    names.remove("without-picture.txt")
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
