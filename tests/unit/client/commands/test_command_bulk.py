"""`stylequeue bulk` against a loopback service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.client_server import Answer, Loopback, Request
from tests.unit.command_service import run


class Bulk(Loopback):
    """A service that counts seven jobs in two steps and changes them in two; it records the requests."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.state = {"status": "counting", "matched": 0, "looked": 0, "changed": 0}

    def _answer(self, request: Request) -> Answer:
        if request.route == "GET /healthz":
            return Answer(200, {})
        self.asked.append(request.route)
        if request.route.startswith("DELETE"):
            return Answer(204, {})
        if request.route.endswith("/advance"):
            counting = self.state["status"] == "counting"
            done = {"status": "done", "looked": 7, "changed": 6}
            self.state |= {"status": "counted", "matched": 7} if counting else done
        else:
            self.bodies.append(json.loads(request.body))
        if request.route.endswith("/confirm"):
            self.state["status"] = "running"
        action = {"id": "bulk_1", "action": "cancel", "filter": {}, "of": "anna"}
        return Answer(202, {**action, **self.state, "created_at": "2026-05-31T18:00:00Z"})


@pytest.fixture
def service() -> Iterator[Bulk]:
    with Bulk() as service:
        yield service


ADVANCE, CONFIRM = "POST /v1/bulk-actions/bulk_1/advance", "POST /v1/bulk-actions/bulk_1/confirm"


def test_the_number_is_shown_and_confirmed_before_anything_changes(service: Bulk) -> None:
    result = run(service.url, "bulk", "cancel", "--status", "queued", "--tag", "sea", text="y\n")
    assert "Cancel 7 job(s)?" in result.output
    assert result.output.endswith("6 of 7 job(s) canceled.\n")
    assert service.asked == ["POST /v1/bulk-actions", ADVANCE, CONFIRM, ADVANCE]
    chosen = {name: value for name, value in service.bodies[0]["filter"].items() if value is not None}
    assert (service.bodies[0]["action"], chosen) == ("cancel", {"status": "queued", "tag": "sea"})
    assert service.bodies[1] == {"count": 7}


@pytest.mark.parametrize(("words", "text"), [([], "n\n"), (["--count", "8"], None)])
def test_without_confirmation_nothing_changes(service: Bulk, words: list[str], text: str | None) -> None:
    result = run(service.url, "bulk", "delete", *words, text=text)
    assert result.exit_code == 1
    assert "7 job(s) match; nothing was changed." in result.output
    assert service.asked[-1] == "DELETE /v1/bulk-actions/bulk_1"
    assert CONFIRM not in service.asked


def test_the_right_count_asks_nothing(service: Bulk) -> None:
    assert run(service.url, "bulk", "retry", "--count", "7").output == "6 of 7 job(s) canceled.\n"
