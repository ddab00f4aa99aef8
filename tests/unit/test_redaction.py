"""Log lines hold no secrets, whoever wrote them."""

from __future__ import annotations

import logging

import pytest

from shared.redaction import RedactingFormatter, redacted

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


def test_lines_of_other_loggers_are_redacted_with_their_tracebacks() -> None:
    formatter = RedactingFormatter(logging.Formatter("%(levelname)s %(message)s"))
    try:
        int(KEY)
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "key %s", "args": (KEY,), "levelname": "ERROR"})
        record.exc_info = (type(error), error, error.__traceback__)
    line = formatter.format(record)
    assert line.startswith("ERROR key sq_[hidden]")
    assert KEY[16:] not in line
    assert "Traceback" in line
