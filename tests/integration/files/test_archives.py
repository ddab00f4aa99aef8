"""The ZIP of chosen jobs: its names, what it lists, and who may have it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.object_keys import result_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner
from tests.stacks.service import OWNER, PAIR, PICTURE, accepted, assert_problem, give_up, paint

ARCHIVE = "/v1/jobs/archive?ids="
PLACES = 2


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_waiting_requests": PLACES})


def submit(client: FlaskClient, **members: Any) -> str:
    return str(accepted(client.post("/v1/jobs", json={**PAIR, **members}))["id"])


def unpacked(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    return {name: archive.read(name) for name in archive.namelist()}


def test_it_has_the_pictures_in_the_order_of_the_ids_and_says_what_it_lacks(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    first, second, nameless, failed, waiting, gone = (
        submit(client, custom_id=name) if name else submit(client)
        for name in ("b/CON", "B/con", None, "bad", "later", "gone")
    )
    for number, job_id in enumerate((first, second, nameless, gone)):
        paint(store, storage, job_id, PICTURE + bytes([number]))
    give_up(store, failed)
    storage.delete(result_key(OWNER, gone, "jpg"))
    ids = ",".join((second, first, nameless, failed, waiting, gone, "job_unknown", first))
    response = client.get(ARCHIVE + ids)
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["Content-Disposition"] == 'attachment; filename="pictures.zip"'
    files = unpacked(response.data)
    manifest = json.loads(files.pop("manifest.json"))
    lines = files.pop("without-picture.txt").decode().splitlines()
    assert files == {
        "B/_con.jpg": PICTURE + b"\x01",
        "b/_CON (2).jpg": PICTURE + b"\x00",
        f"{nameless}.jpg": PICTURE + b"\x02",
    }
    assert lines[:3] == [
        "job_unknown: there is no such job",
        "bad: failed, No image.",
        "later: queued",
    ]
    assert lines[3].startswith("gone: ")
    assert [row["job_id"] for row in manifest] == [second, first, nameless, failed, waiting, gone]
    assert [row.get("file") for row in manifest] == [*files, None, None, None]


def test_it_lists_nothing_if_nothing_lacks(client: FlaskClient, store: JobStore, storage: Storage) -> None:
    job_id = submit(client)
    paint(store, storage, job_id)
    assert [*unpacked(client.get(ARCHIVE + job_id).data)] == [f"{job_id}.jpg", "manifest.json"]


@pytest.mark.parametrize(
    ("ids", "said"), [(",".join(["job_1"] * 101), "these are 101"), ("job_1,,", "1 to 100")]
)
def test_too_many_ids_and_empty_ones_are_refused_with_the_limit(
    client: FlaskClient, ids: str, said: str
) -> None:
    assert said in assert_problem(client.get(ARCHIVE + ids), 422, "invalid-parameter", "/ids")
    assert_problem(client.get("/v1/jobs/archive"), 422, "invalid-parameter", "/ids")


def test_only_the_callers_jobs_are_in_it_and_an_admins_may_be_anybodys(
    app: Flask, store: JobStore, storage: Storage
) -> None:
    anna, bert, admin = as_owner(app, "anna"), as_owner(app, "bert"), as_owner(app, "root", Scope.ADMIN)
    job_id = submit(anna, custom_id="hers")
    paint(store, storage, job_id)
    assert_problem(bert.get(ARCHIVE + job_id), 404, "job-not-found")
    his = submit(bert)
    files = unpacked(bert.get(f"{ARCHIVE}{job_id},{his}").data)
    assert f"{job_id}: there is no such job" in files["without-picture.txt"].decode()
    assert "hers.jpg" not in files
    assert "hers.jpg" in unpacked(admin.get(ARCHIVE + job_id).data)


def test_it_holds_a_place_of_the_process_until_it_is_sent_or_left(
    client: FlaskClient, store: JobStore, storage: Storage
) -> None:
    job_id = submit(client)
    paint(store, storage, job_id)
    for _ in range(PLACES + 1):
        client.get(ARCHIVE + job_id, buffered=False).close()
    held = [client.get(ARCHIVE + job_id, buffered=False) for _ in range(PLACES)]
    assert_problem(client.get(ARCHIVE + job_id), 503, "too-many-streams")
    assert "manifest.json" in unpacked(held[-1].data)
    for response in reversed(held):
        response.close()
    assert client.get(ARCHIVE + job_id).status_code == 200
