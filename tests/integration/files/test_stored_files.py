"""Results, previews and the files of a batch: by a redirect, or by a URL in JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from flask.testing import FlaskClient

from shared.policy.object_keys import preview_key, thumbnail_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.loss_records import JobProgress
from shared.wire.records import Thumbnail
from tests.jobs import RESULT, claimed, end_job, job_ids
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
)
from worker.upkeep.finalizer import Finalizer

PICTURES = {"result", "thumbnail", "preview"}
FILES = (*sorted(PICTURES), "output", "errors")
FileLink = Callable[[str], str]


@pytest.fixture
def link(client: FlaskClient, store: JobStore, storage: Storage, batches: BatchStore) -> FileLink:
    """Return the link to a file of a kind, once it is there."""

    def make(kind: str) -> str:
        if kind in PICTURES:
            members = {"params": {"method": "optimize"}} if kind == "preview" else {}
            job = accepted(client.post("/v1/jobs", json={**PAIR, **members}))
            if kind == "thumbnail":
                paint_large(store, storage, job["id"])
            else:
                paint(store, storage, job["id"])
            return str(job["links"][kind])
        batch = accepted(post_lines(client, PAIR, PAIR))
        first, second = job_ids(batch["id"], 2)
        paint(store, storage, first)
        give_up(store, second)
        Finalizer(batches, store, storage).finalize()
        return f"{batch['links']['self']}/{kind}"

    return make


def paint_large(store: JobStore, storage: Storage, job_id: str) -> None:
    """End a job as a worker does whose result is large enough for a thumbnail."""
    storage.put(thumbnail_key(OWNER, job_id), PICTURE, "image/jpeg")
    small = Thumbnail(width=320, height=240, bytes=len(PICTURE))
    result = {
        "key": "results/anna/nowhere.png",
        "width": 1000,
        "content_type": "image/png",
        "thumbnail": small,
    }
    end_job(store, claimed(store, job_id), RESULT.model_copy(update=result))


def type_of(kind: str) -> str:
    return "image/jpeg" if kind in PICTURES else NDJSON


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("?redirect=no", "*/*"),
        ("?redirect=no", "text/html"),
        ("", "application/json"),
        ("", "application/json, */*;q=0.5"),
    ],
)
def test_the_url_comes_as_json_if_that_is_wanted(
    client: FlaskClient, link: FileLink, settings: Settings, kind: str, query: str, accept: str
) -> None:
    response = client.get(link(kind) + query, headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "Accept")
    file = response.json or {}
    left = datetime.fromisoformat(file["expires_at"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= settings.presigned_url_seconds
    fetched = httpx.get(file["url"]).raise_for_status()
    assert fetched.headers["Content-Type"] == file["content_type"] == type_of(kind)
    assert fetched.content == PICTURE if type_of(kind) != NDJSON else "line" in fetched.json()


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("", "*/*"),
        ("", ""),
        ("", "image/*"),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("", "application/json, text/plain, */*"),  # axios, which would follow
        ("?redirect=yes", "application/json"),
    ],
)
def test_all_others_are_redirected(
    client: FlaskClient, link: FileLink, kind: str, query: str, accept: str
) -> None:
    response = client.get(link(kind) + query, headers={"Accept": accept})
    assert (response.status_code, response.headers["Cache-Control"]) == (303, "no-store")
    assert httpx.get(response.headers["Location"]).headers["Content-Type"] == type_of(kind)


def test_another_wish_is_refused_by_its_name(client: FlaskClient, link: FileLink) -> None:
    response = client.get(link("result") + "?redirect=false")
    assert "'yes' or 'no'" in assert_problem(response, 422, "invalid-parameter", "/redirect")


def test_a_result_without_a_thumbnail_is_its_own(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job = accepted(client.post("/v1/jobs", json=PAIR))
    paint(store, storage, job["id"])
    assert (client.get(job["links"]["self"]).json or {})["result"]["thumbnail"] is None
    file = client.get(job["links"]["thumbnail"] + "?redirect=no").json or {}
    assert httpx.get(file["url"]).content == PICTURE


@pytest.mark.parametrize(("custom_id", "name"), [("a/Zoë 1", "Zo%C3%AB%201.jpg"), (None, "{}.jpg")])
def test_a_browser_saves_a_result_under_the_custom_id(
    client: FlaskClient, store: JobStore, storage: Storage, custom_id: str | None, name: str
) -> None:
    job = accepted(client.post("/v1/jobs", json={**PAIR, "custom_id": custom_id}))
    paint(store, storage, job["id"])
    link = client.get(job["links"]["result"] + "?redirect=yes&download=yes").headers["Location"]
    disposition = httpx.get(link).raise_for_status().headers["Content-Disposition"]
    assert disposition == f"attachment; filename*=UTF-8''{name.format(job['id'])}"


def test_a_missing_file_is_a_problem_in_both_ways(client: FlaskClient) -> None:
    job = accepted(client.post("/v1/jobs", json=PAIR))
    for query in ("", "?redirect=no"):
        for kind in ("result", "thumbnail"):
            assert_problem(client.get(job["links"][kind] + query), 409, "job-not-finished")
        assert_problem(client.get(job["links"]["preview"] + query), 409, "no-preview")


def test_a_preview_comes_as_json_while_the_job_runs(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job = accepted(client.post("/v1/jobs", json={**PAIR, "params": {"method": "optimize"}}))
    claim = claimed(store, job["id"])
    storage.put(preview_key(OWNER, job["id"]), PICTURE, "image/jpeg")
    progress = JobProgress(stage="optimize", fraction=0.5, preview=True)
    store.renew([claim], 30, {claim.token: progress})
    file = client.get(job["links"]["preview"] + "?redirect=no").json or {}
    assert httpx.get(file["url"]).content == PICTURE
