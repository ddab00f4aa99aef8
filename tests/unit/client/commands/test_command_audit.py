"""`stylequeue audit` against a loopback service."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.unit.client_server import Answer, Loopback, Request
from tests.unit.command_service import run

KEYED = {"owner": "root", "key_id": "a1b2c3d4e5f6", "key_name": "laptop"}
SHELL = {"command_line": "box-7/ops"}
KEY = {"subject": "0123", "owner": "anna", "details": {"scope": "user"}}
ENTRIES = [
    {"id": "audit_3", "action": "lane-paused", "subject": "bulk", "actor": KEYED},
    {"id": "audit_2", "action": "key-created", "actor": SHELL, **KEY},
    {"id": "audit_1", "action": "batch-canceled", "subject": "batch_1", "owner": "anna"},
]


class Log(Loopback):
    """A service that returns its entries in pages of two."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.queries: list[dict[str, str]] = []

    def _answer(self, request: Request) -> Answer:
        if request.route == "GET /healthz":
            return Answer(200, {})
        query = request.query
        self.queries.append(query)
        entries = [{"at": "2026-05-31T18:00:00Z", **entry} for entry in ENTRIES]
        if "cursor" in query:
            return Answer(200, {"entries": entries[2:]})
        return Answer(200, {"entries": entries[:2], "next_cursor": "audit_2"})


@pytest.fixture
def service() -> Iterator[Log]:
    with Log() as service:
        yield service


def test_entries_are_shown_with_who_did_them(service: Log) -> None:
    lines = run(service.url, "audit").output.splitlines()
    text = "\n".join(lines)
    assert "root, key a1b2c3d4e5f6 (laptop)" in text
    assert "command line of box-7/ops" in text
    assert "0123 of anna" in text
    assert "scope user" in text
    assert "an operator" in text
    assert len(service.queries) == 2


def test_conditions_are_sent_and_the_limit_is_kept(service: Log) -> None:
    words = "--actor laptop --action key-created --since 2026-05-31T00:00:00Z --owner anna --limit 1 --json"
    result = run(service.url, "audit", *words.split())
    assert [json.loads(line)["id"] for line in result.output.splitlines()] == ["audit_3"]
    (query,) = service.queries
    assert query == {
        "actor": "laptop",
        "action": "key-created",
        "since": "2026-05-31T00:00:00Z",
        "owner": "anna",
        "limit": "1",
    }


def test_a_malformed_condition_is_refused_before_a_request(service: Log) -> None:
    result = run(service.url, "audit", "--since", "yesterday")
    assert (result.exit_code, "a time in UTC" in result.output) == (2, True)
    assert service.queries == []
