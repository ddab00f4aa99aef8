"""Files that are sent through the API, and the pictures that a job was made of."""

from __future__ import annotations

import httpx
import pytest
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from tests.stacks.service import OWNER, PAIR, PICTURE, accepted, assert_problem, sha256

UPLOADS, JOBS = "/v1/uploads", "/v1/jobs"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": 4096})


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/*", "application/octet-stream"])
def test_a_file_is_stored_under_its_digest_with_the_type_of_its_bytes(
    client: FlaskClient, storage: Storage, kind: str
) -> None:
    picture = PICTURE + kind.encode()
    response = client.post(UPLOADS, data=picture, content_type=kind)
    upload = response.json or {}
    assert (response.status_code, upload["upload_id"], upload["exists"]) == (200, sha256(picture), True)
    assert storage.get(f"uploads/{OWNER}/{upload['upload_id']}", max_bytes=9999) == picture
    url = storage.presigned_get(f"uploads/{OWNER}/{upload['upload_id']}", None)
    assert httpx.get(url).headers["Content-Type"] == "image/jpeg"


def test_a_job_may_name_it_at_once(client: FlaskClient) -> None:
    upload_id = (client.post(UPLOADS, data=PICTURE, content_type="image/jpeg").json or {})["upload_id"]
    accepted(client.post(JOBS, json={**PAIR, "content": {"upload_id": upload_id}}))
    announced = {"sha256": upload_id, "bytes": len(PICTURE), "content_type": "image/jpeg"}
    assert (client.post(UPLOADS, json=announced).json or {})["exists"]


def test_what_is_no_picture_or_too_large_is_refused(client: FlaskClient) -> None:
    detail = assert_problem(
        client.post(UPLOADS, data=b"<html>", content_type="image/jpeg"), 415, "unsupported-media-type", ""
    )
    assert "HTML" in detail
    empty = client.post(UPLOADS, data=b"", content_type="image/jpeg")
    assert "empty" in assert_problem(empty, 415, "unsupported-media-type", "")
    large = client.post(UPLOADS, data=PICTURE + bytes(4096), content_type="image/jpeg")
    assert "max_upload_bytes" in assert_problem(large, 413, "body-too-large")
    assert_problem(
        client.post(UPLOADS, data=PICTURE, content_type="text/plain"), 415, "unsupported-media-type"
    )


@pytest.mark.parametrize("place", ["content", "style", "style?number=0"])
def test_a_jobs_pictures_are_reached_through_it(client: FlaskClient, place: str) -> None:
    upload_id = (client.post(UPLOADS, data=PICTURE, content_type="image/jpeg").json or {})["upload_id"]
    member = "content" if place == "content" else "style"
    job = accepted(client.post(JOBS, json={**PAIR, member: {"upload_id": upload_id}}))
    redirect = client.get(f"{JOBS}/{job['id']}/{place}")
    assert redirect.status_code == 303
    assert httpx.get(redirect.headers["Location"]).content == PICTURE
    found = client.get(f"{JOBS}/{job['id']}/{place}", headers={"Accept": "application/json"}).json or {}
    assert (found["content_type"], httpx.get(found["url"]).content) == ("image/*", PICTURE)


def test_one_of_several_styles_is_reached_by_its_number(client: FlaskClient) -> None:
    upload_id = (client.post(UPLOADS, data=PICTURE, content_type="image/jpeg").json or {})["upload_id"]
    styles = [{"url": "https://example.org/b.jpg"}, {"upload_id": upload_id, "weight": 2}]
    job = accepted(client.post(JOBS, json={"content": PAIR["content"], "styles": styles}))
    path = f"{JOBS}/{job['id']}/style?number="
    assert_problem(client.get(f"{path}0"), 409, "source-not-stored")
    assert client.get(f"{path}1").status_code == 303
    assert "2 style(s)" in assert_problem(client.get(f"{path}2"), 409, "source-not-stored")
    assert client.get(f"{path}8").status_code == 422


def test_an_object_of_the_owner_is_reached_and_a_url_of_others_is_not(
    client: FlaskClient, storage: Storage, settings: Settings
) -> None:
    storage.put(f"results/{OWNER}/earlier.jpg", PICTURE, "image/jpeg")
    own = {"url": f"s3://{settings.s3_bucket}/results/{OWNER}/earlier.jpg"}
    job = accepted(client.post(JOBS, json={**PAIR, "content": own}))
    redirect = client.get(f"{JOBS}/{job['id']}/content")
    assert httpx.get(redirect.headers["Location"]).content == PICTURE
    response = client.get(f"{JOBS}/{job['id']}/style")
    assert "example.org" not in assert_problem(response, 409, "source-not-stored")
