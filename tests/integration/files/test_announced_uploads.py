"""Uploads that a client announces and sends straight to S3, over HTTP."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

import httpx
from flask.testing import FlaskClient

from tests.stacks.service import PICTURE, assert_problem


def test_an_announced_file_goes_straight_to_s3_once(client: FlaskClient) -> None:
    data = PICTURE + b"announced"
    announcement = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "content_type": "image/jpeg",
    }
    upload = client.post("/v1/uploads", json=announcement).json or {}
    assert upload["exists"] is False
    assert httpx.put(upload["url"], content=data, headers=upload["headers"]).status_code == HTTPStatus.OK
    again = client.post("/v1/uploads", json=announcement).json or {}
    assert (again["exists"], again["upload_id"]) == (True, announcement["sha256"])


def test_an_upload_over_the_limit_is_refused_before_it_is_sent(client: FlaskClient) -> None:
    announcement = {"sha256": "0" * 64, "bytes": 100_000_001, "content_type": "image/png"}
    detail = assert_problem(client.post("/v1/uploads", json=announcement), 413, "body-too-large", "/bytes")
    assert "100,000,000" in detail
