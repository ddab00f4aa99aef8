"""The error for a text that does not match its pattern says in words what it should be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.wire.base import MAX_URL
from shared.wire.descriptors import JobRequest

URL = {"url": "https://example.org/a.jpg"}


def error_of(**members: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        JobRequest.model_validate({"content": URL, "style": URL, **members})
    (error,) = refused.value.errors()
    return str(error["msg"])


@pytest.mark.parametrize(
    "url", ["cat.jpg", "photos/cat.jpg", "ftp://example.org/a.jpg", "https://example.org/a b.jpg"]
)
def test_a_malformed_url_is_reported_without_the_pattern(url: str) -> None:
    assert error_of(content={"url": url}).startswith("It must begin with https:// or s3://")


def test_so_are_the_other_texts_with_a_pattern_that_people_write() -> None:
    assert "POST /v1/uploads" in error_of(content={"upload_id": "cat.jpg"})
    assert "data:image/jpeg;base64,..." in error_of(style={"data": "data:image/jxl;base64,AAAA"})
    assert error_of(webhook={"url": "hooks.example.org/in"}).startswith("It must begin with https://")


def test_other_errors_of_such_a_text_are_unchanged() -> None:
    assert (
        error_of(content={"url": "https://" + "a" * MAX_URL}) == "String should have at most 8192 characters"
    )
    assert error_of(content={"url": 7}) == "Input should be a valid string"
