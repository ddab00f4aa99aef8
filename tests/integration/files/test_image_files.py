"""Files that come with a request: an unaccepted image is refused at once, and nothing is stored."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.policy.image_formats import ACCEPTED as ACCEPTED_FORMATS
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import HttpProxy, Request
from tests.stacks.service import OWNER, PAIR, accepted, assert_problem, data_uri, post_lines, sha256, started

JPEG, PNG, WEBP = (
    b"\xff\xd8\xff\xe0 a photo",
    b"\x89PNG\r\n\x1a\n a drawing",
    b"RIFF\x10\0\0\0WEBPVP8 a sketch",
)
HEIC, AVIF = b"\0\0\0\x18ftypheic a photo", b"\0\0\0\x1cftypmif1\0\0\0\0miafavif"
TIFF, BMP, GIF = b"MM\0*\0\0\0\x08", b"BM" + bytes(12) + b"\x28\0\0\0", b"GIF89a"
OTHERS = [
    (b"", "empty"),
    (b"<!doctype html><script>alert(1)</script>", "HTML or XML"),
    (b" \n<svg xmlns='http://www.w3.org/2000/svg'/>", "HTML or XML"),
    (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file"),
    (b"\0\0\0\x20ftypmp42", "a video"),
    (b"just some text", "not an image"),
    (b"RIFF\x10\0\0\0WAVEfmt ", "not an image"),
    (b"\xff\xd8", "not an image"),
]
ACCEPTED = f"only {ACCEPTED_FORMATS} images are accepted"


def submit(client: FlaskClient, content: bytes, declared: str | None = "image/jpeg") -> Any:
    part = (BytesIO(content), "a.jpg") if declared is None else (BytesIO(content), "a.jpg", declared)
    return client.post("/v1/jobs", data={"content": part, "style": (BytesIO(JPEG + b"style"), "b.jpg")})


@pytest.fixture
def put_types(app: Flask, settings: Settings, proxied_settings: Settings, proxy: HttpProxy) -> dict[str, str]:
    """Return the Content-Type of each object that the service writes, by the object's key."""
    types: dict[str, str] = {}

    def note(request: Request) -> None:
        if request.method == "PUT":
            types[request.path.removeprefix("/stylequeue/")] = request.headers["Content-Type"]

    proxy.own_answer = note
    started(app, settings, Storage(proxied_settings))
    return types


@pytest.mark.parametrize(("content", "what"), OTHERS)
def test_a_file_that_is_no_accepted_image_is_refused_and_nothing_is_stored(
    client: FlaskClient, storage: Storage, connection: redis.Redis, content: bytes, what: str
) -> None:
    detail = assert_problem(submit(client, content), 415, "unsupported-media-type", "/content")
    assert (what in detail, ACCEPTED in detail) == (True, True)
    assert not storage.exists(upload_key(OWNER, sha256(content)))
    assert connection.keys("sq:job:*") == connection.keys("sq:uploads") == []


@pytest.mark.parametrize(("content", "what"), OTHERS[1:])
def test_a_data_uri_is_held_to_the_same(
    client: FlaskClient, storage: Storage, content: bytes, what: str
) -> None:
    job = {**PAIR, "style": {"data": data_uri(content)}}
    detail = assert_problem(client.post("/v1/jobs", json=job), 415, "unsupported-media-type", "/style/data")
    assert what in detail
    (line,) = accepted(post_lines(client, PAIR, job))["rejected_lines"]
    assert (line["code"], line["pointer"], line["detail"]) == (
        "unsupported-media-type",
        "/style/data",
        detail,
    )
    assert not storage.exists(upload_key(OWNER, sha256(content)))


@pytest.mark.parametrize(
    "declared",
    [
        "text/html",
        "image/svg+xml",
        "image/jxl",
        "application/json",
        "text/plain; charset=utf-8",
        "x" * 5000,
        "image/jpeg\0",
        "multipart/mixed",
    ],
)
def test_an_image_that_is_declared_as_something_else_is_refused(
    client: FlaskClient, storage: Storage, declared: str
) -> None:
    content = JPEG + declared.encode()
    detail = assert_problem(submit(client, content, declared), 415, "unsupported-media-type", "/content")
    assert "declared as" in detail
    assert len(detail) < 300
    assert not storage.exists(upload_key(OWNER, sha256(content)))


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        *((JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp"), (HEIC, "image/heic")),
        *((AVIF, "image/avif"), (TIFF, "image/tiff"), (BMP, "image/bmp"), (GIF, "image/gif")),
    ],
)
@pytest.mark.parametrize(
    "declared", [None, "application/octet-stream", "image/jpeg", "IMAGE/PNG", "image/jpg; x=y", "image/webp"]
)
def test_an_image_is_stored_with_the_type_of_its_bytes(
    client: FlaskClient, put_types: dict[str, str], content: bytes, stored: str, declared: str | None
) -> None:
    assert submit(client, content, declared).status_code == 202
    assert put_types[upload_key(OWNER, sha256(content))] == stored


def test_a_data_uri_is_stored_with_the_type_of_its_bytes(
    client: FlaskClient, put_types: dict[str, str]
) -> None:
    assert client.post("/v1/jobs", json={**PAIR, "content": {"data": data_uri(PNG)}}).status_code == 202
    assert put_types == {upload_key(OWNER, sha256(PNG)): "image/png"}
