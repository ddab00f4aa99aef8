"""The sentences about requests that the service cannot accept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.wire.batch_descriptors import BatchRequest
from shared.wire.descriptors import JobRequest, UploadRequest
from shared.wire.sentences import pointer_of, problems_of, sentence_of

SOURCE = {"url": "https://example.org/a.jpg"}
JOB = {"content": SOURCE, "style": SOURCE}


def said(model: Any, request: dict[str, Any]) -> list[str]:
    """Return the sentences about a request, each after its pointer."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(model).validate_json(json.dumps(request))
    error = refused.value
    return [f"{pointer_of(each['loc'])} {sentence_of(each, error.title)}" for each in problems_of(error)]


@pytest.mark.parametrize(
    ("members", "pointer", "meant"),
    [
        ({"params": {"strenght": 1}}, "/params/strenght", "/params/strength"),
        ({"strength": 0.5}, "/strength", "/params/strength"),
        ({"max_sid": 64}, "/max_sid", "/params/max_side"),
        ({"webhook": {"url": "https://a.org/x", "event": []}}, "/webhook/event", "/webhook/events"),
        ({"style": None, "styles": [SOURCE | {"wieght": 1}]}, "/styles/0/wieght", "/styles/0/weight"),
    ],
)
def test_an_unknown_member_is_answered_with_the_one_that_was_meant(
    members: dict[str, Any], pointer: str, meant: str
) -> None:
    (sentence,) = said(JobRequest, JOB | members)
    name = pointer.rpartition("/")[2]
    assert sentence == f"{pointer} There is no member '{name}' here; did you mean {meant}?"


def test_an_unknown_member_of_a_form_is_looked_for_in_that_form_only() -> None:
    (sentence,) = said(BatchRequest, {"matrix": {"contents": [SOURCE], "styles": [SOURCE], "strength": [1]}})
    assert sentence.endswith("did you mean /matrix/strengths?")
    (sentence,) = said(JobRequest, JOB | {"content": SOURCE | {"wieght": 1}})
    assert sentence == "/content/wieght There is no member 'wieght' here; the members are url"


def test_a_member_like_no_other_is_answered_with_all_of_them() -> None:
    (sentence,) = said(JobRequest, JOB | {"output": {"x" * 300: 1}})
    members = "format, quality, metadata, icc, alpha, bucket, key"
    assert sentence.endswith(f" There is no member '{'x' * 40}' here; the members are {members}")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"params": {"strength": "1"}}, "/params/strength It must be a number, not the text '1'"),
        ({"params": {"strength": 2}}, "/params/strength It must be at most 1, not 2"),
        ({"params": {"seed": 2**32}}, "/params/seed It must be less than 4,294,967,296, not 4,294,967,296"),
        (
            {"params": {"max_side": "big"}},
            "/params/max_side It must be a whole number or 'original', not the text 'big'",
        ),
        ({"params": {"losses": 1}}, "/params/losses It must be true or false, not 1"),
        ({"output": "png"}, "/output It must be an object, not the text 'png'"),
        (
            {"output": {"format": "jpg"}},
            "/output/format It must be 'jpeg', 'png' or 'webp', not the text 'jpg'; did you mean 'jpeg'?",
        ),
        ({"lane": 3}, "/lane It must be 'high', 'normal', 'bulk' or 'optimize', not 3"),
        ({"max_attempts": True}, "/max_attempts It must be a whole number, not true"),
        ({"max_attempts": 0}, "/max_attempts It must be at least 1, not 0"),
        ({"tags": {}}, "/tags It must be an array, not an object"),
        ({"tags": ["a"] * 17}, "/tags It must have at most 16 items, and it has 17"),
        ({"tags": [""]}, "/tags/0 It must not be empty"),
        ({"custom_id": "a" * 129}, "/custom_id It must have at most 128 characters, and it has 129"),
        ({"metadata": {"a": None}}, "/metadata/a It must be text, not null"),
        (
            {"content": "cat.jpg"},
            "/content An image source is an object with exactly one of the members 'url', 'upload_id' and "
            "'data'",
        ),
    ],
)
def test_an_error_says_what_was_expected_and_what_was_given(members: dict[str, Any], sentence: str) -> None:
    assert said(JobRequest, JOB | members) == [sentence]


def test_a_missing_member_is_missing() -> None:
    assert said(JobRequest, {"style": SOURCE}) == ["/content The member is missing"]


def test_a_wrong_item_does_not_make_its_list_too_short() -> None:
    (sentence,) = said(JobRequest, JOB | {"webhook": {"url": "https://a.org/x", "events": ["failed"]}})
    assert sentence.startswith("/webhook/events/0 It must be 'job.succeeded'")
    assert sentence.endswith("did you mean 'job.failed'?")


def test_a_text_is_shown_in_part_and_without_secrets() -> None:
    key = "sq_0123456789ab_" + "k" * 43
    (sentence,) = said(JobRequest, JOB | {"lane": key})
    assert "kkk" not in sentence
    (sentence,) = said(JobRequest, JOB | {"lane": "b" * 300})
    assert f"the text '{'b' * 40}...'" in sentence


def test_patterns_are_said_in_words() -> None:
    (digest,) = said(UploadRequest, {"sha256": "x", "bytes": 1, "content_type": "image/png"})
    (prefix,) = said(BatchRequest, {"content_prefix": "s3://bucket/photos", "styles": [SOURCE]})
    assert digest == "/sha256 It must be the file's SHA-256 digest: 64 digits and letters from a to f"
    assert prefix == "/content_prefix It must be s3://bucket/ or s3://bucket/prefix/, with a slash at its end"
