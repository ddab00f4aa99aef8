"""Log lines hold no secrets, whoever wrote them."""

from __future__ import annotations

import json

import pytest

from shared.redaction import SHOWN_CHARACTERS, redacted, shown_url

KEY = "sq_0123456789ab_" + "Ab-_" * 10 + "xyz"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"no such key: {KEY}", KEY[16:]),
        (f"Invalid header: 'Authorization Bearer {KEY}'", KEY[3:]),
        ("signed with whsec_C2FVsBQIhrscChlQIMV+b5/sSYspob7o=", "C2FVsBQIhrscChlQIMV+b5/sSYspob7o="),
        ("authorization: bearer anything.else", "anything.else"),
        ("GET https://s3/b/k?X-Amz-Date=1&X-Amz-Signature=canary&x=1", "canary"),
        ("GET https://s3/b/k?X-Amz-Credential=canary%2F2026&x=1", "canary"),
        ("https://storage/b/k?X-Goog-Signature=canary", "canary"),
        ("https://blob/b/k?sv=1&sig=canary", "canary"),
        ("https://s3/b/k?AWSAccessKeyId=canary&Expires=1", "canary"),
        ("redis://:canary@127.0.0.1:6379/0 does not answer", "canary"),
        ("rediss://user:canary@host:6379", "canary"),
        ("BEARER canary", "canary"),
        ("https://s3/b/k?X-AMZ-SIGNATURE=canary", "canary"),
    ],
)
def test_secrets_are_hidden(line: str, secret: str) -> None:
    assert secret in line
    assert secret not in redacted(line)
    assert "[hidden]" in redacted(line)


@pytest.mark.parametrize(
    "line", ["job_01 succeeded in 0.3 s", "http://127.0.0.1:8080/v1/jobs?ids=a", "s3://bucket/a@b", "sq_x"]
)
def test_all_else_stays_as_it_is(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.parametrize("before", ["\n", "\x1b", "\x0b"])
def test_a_secret_at_the_beginning_of_a_line_is_hidden_in_json_too(before: str) -> None:
    assert KEY[16:] not in redacted(json.dumps(f"no such key:{before}{KEY}"))
    assert "c2VjcmV0" not in redacted(json.dumps(f"signed with{before}whsec_c2VjcmV0"))


@pytest.mark.parametrize("secret", ["?sig=canary", "Bearer canary", "://me:canary@host", KEY])
def test_characters_that_json_escapes_stay_escaped(secret: str) -> None:
    line = json.dumps({"event": f'"{secret}" \\ and\n"more"'})
    hidden = json.loads(redacted(line))["event"]
    assert hidden.endswith('" \\ and\n"more"')
    assert "canary" not in hidden


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://photos.example/a.jpg", "https://photos.example/a.jpg"),
        ("https://photos.example/a.jpg?token=canary&b=?c", "https://photos.example/a.jpg?[hidden]"),
        ("https://me:canary@photos.example/a.jpg", "https://[hidden]@photos.example/a.jpg"),
        ("s3://photos/a b.jpg", "s3://photos/a b.jpg"),
    ],
)
def test_a_url_is_shown_without_what_may_be_a_permission(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_long_url_is_cut() -> None:
    shown = shown_url("https://photos.example/" + "x" * 8000 + "?token=canary")
    assert shown.startswith("https://photos.example/xxx")
    assert shown.endswith("xxx...?[hidden]")
    assert len(shown) == SHOWN_CHARACTERS + len("?[hidden]")
