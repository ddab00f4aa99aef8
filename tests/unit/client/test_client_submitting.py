"""The client's requests when it submits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from client import NotAPicture, RequestRefused
from shared.wire.descriptors import Lane, Output
from shared.wire.params import Params
from shared.wire.records import JobStatus
from tests.unit.client_server import JPEG, PNG, URL, WEBP, Answer, Wire, job, upload


def test_a_job_of_two_urls_is_submitted_with_every_wish(wire: Wire) -> None:
    wire.service.on("POST /v1/jobs", Answer(202, job()))
    view = wire.queue.submit(
        URL,
        "s3://bucket/style.png",
        params=Params(max_side=512),
        output=Output(format="png"),
        lane=Lane.BULK,
        custom_id="mine",
        tags=["a", "b"],
        metadata={"k": "v"},
    )
    assert view.status is JobStatus.QUEUED
    sent = wire.service.requests[0]
    assert sent.headers["authorization"] == "Bearer sq_secret"
    assert sent.headers["content-type"] == "application/json"
    body = json.loads(sent.body)
    assert body["content"] == {"url": URL}
    assert body["style"] == {"url": "s3://bucket/style.png"}
    assert (body["params"]["max_side"], body["output"]["format"], body["lane"]) == (512, "png", "bulk")
    assert (body["custom_id"], body["tags"], body["metadata"]) == ("mine", ["a", "b"], {"k": "v"})


def test_a_file_that_the_service_lacks_is_announced_and_sent_without_credentials(
    wire: Wire, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"  # the name lies: the bytes are a JPEG
    photo.write_bytes(JPEG)
    digest = hashlib.sha256(JPEG).hexdigest()
    wire.service.on(
        "POST /v1/uploads", Answer(200, upload(digest, f"{wire.storage.url}/put?signed=1", exists=False))
    )
    wire.service.on("POST /v1/jobs", Answer(202, job()))
    wire.storage.on("PUT /put", Answer(200))
    wire.queue.submit(photo, URL)
    announced = json.loads(wire.service.asked("POST /v1/uploads")[0].body)
    assert announced == {"sha256": digest, "bytes": len(JPEG), "content_type": "image/jpeg"}
    [put] = wire.storage.requests
    assert put.body == JPEG
    assert put.headers["x-amz-checksum-sha256"] == "c2hh"
    assert "authorization" not in put.headers
    assert json.loads(wire.service.asked("POST /v1/jobs")[0].body)["content"] == {"upload_id": digest}


def test_a_file_that_the_service_has_is_not_sent_again(wire: Wire) -> None:
    wire.service.on("POST /v1/uploads", Answer(200, upload("0" * 64, f"{wire.storage.url}/put", exists=True)))
    assert wire.queue.upload(PNG) == "0" * 64
    assert wire.storage.requests == []


@pytest.mark.parametrize(
    ("content", "media_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")]
)
def test_the_format_is_told_from_the_first_bytes(wire: Wire, content: bytes, media_type: str) -> None:
    wire.service.on("POST /v1/uploads", Answer(200, upload("0" * 64, "http://unused.invalid", exists=True)))
    wire.queue.upload(content)
    assert json.loads(wire.service.requests[0].body)["content_type"] == media_type


def test_an_empty_file_is_refused_by_name(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.touch()
    with pytest.raises(NotAPicture, match=r"holiday\.jpg is empty"):
        wire.queue.submit(path, URL)


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"RIFF....WAVE"])
def test_a_file_that_is_no_picture_is_refused_by_name_before_anything_is_sent(
    wire: Wire, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(
        NotAPicture, match=r"holiday\.jpg is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF file"
    ):
        wire.queue.submit(path, URL)
    assert wire.service.requests == []


def test_a_path_given_as_text_is_refused_with_the_way_to_say_it(wire: Wire) -> None:
    with pytest.raises(NotAPicture, match=r"'cat\.jpg' is not an https:// or s3:// URL.*pathlib\.Path"):
        wire.queue.submit("cat.jpg", URL)


@pytest.mark.parametrize(
    "failure",
    [Answer(503), Answer(500, b"<Error><Code>InternalError</Code><Message>Internal Error</Message></Error>")],
    ids=["busy", "failed"],
)
def test_an_upload_is_tried_again_when_the_storage_fails_once(wire: Wire, failure: Answer) -> None:
    wire.service.on(
        "POST /v1/uploads", Answer(200, upload("0" * 64, f"{wire.storage.url}/put", exists=False))
    )
    wire.storage.on("PUT /put", failure, Answer(200))
    wire.queue.upload(JPEG)
    assert [request.body for request in wire.storage.requests] == [JPEG, JPEG]


def test_a_refused_upload_does_not_reveal_the_signature(wire: Wire) -> None:
    url = f"{wire.storage.url}/put?X-Amz-Signature=secret"
    wire.service.on("POST /v1/uploads", Answer(200, upload("0" * 64, url, exists=False)))
    wire.storage.on("PUT /put", Answer(403, b"<Error/>"))
    with pytest.raises(RequestRefused, match="403") as caught:
        wire.queue.upload(JPEG)
    assert "secret" not in str(caught.value)


def test_a_refused_upload_is_reported_in_the_storages_own_words(wire: Wire) -> None:
    url = f"{wire.storage.url}/put?X-Amz-Signature=secret"
    wire.service.on("POST /v1/uploads", Answer(200, upload("0" * 64, url, exists=False)))
    said = b"<Code>InvalidArgument</Code><Message>Unsupported header &apos;x&apos;</Message>"
    wire.storage.on("PUT /put", Answer(400, b"<?xml version='1.0'?><Error>" + said + b"</Error>"))
    with pytest.raises(RequestRefused) as caught:
        wire.queue.upload(JPEG)
    assert str(caught.value) == (
        f"{wire.storage.url} responded 400 Bad Request (InvalidArgument: Unsupported header 'x')"
    )
    assert caught.value.code == "InvalidArgument"
