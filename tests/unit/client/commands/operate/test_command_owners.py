"""`stylequeue owners`: the table of owners, CSV and JSON, and their limits."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.client_server import Answer, Loopback, Request, problem
from tests.unit.command_service import run

TOOK = {"succeeded": 40, "failed": 2, "pixels": 3_000_000, "device_seconds": 12.5, "bytes_in": 2_000_000}


def view(name: str, **members: Any) -> dict[str, Any]:
    now = {"waiting": 5, "running": 2, "stored_bytes": 1_500_000_000, "keys": 1}
    most = {"most_waiting": 100_000, "most_stored_bytes": 10**12, "limits": {}}
    periods = dict.fromkeys(("last_day", "last_7_days", "last_30_days"), TOOK)
    return {"owner": name, **now, **most, **periods, **members}


class OwnedService(Loopback):
    """A service with three owners on two pages."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.limits: dict[str, dict[str, int]] = {}

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path.split("/")[3:]:
            case "GET", []:
                return Answer(200, self._page(request.query))
            case "GET", [name]:
                known = name in ("anna", "bert", "cleo")
                return Answer(200, self._view(name)) if known else problem(404, "owner-not-found", "No owner")
            case "PUT", [name, "limits"]:
                self.limits[name] = json.loads(request.body)
                return Answer(200, self._view(name))
        return Answer(200, {})

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        span = {"span": {**TOOK, "succeeded": 7}} if "from" in query else {}
        if "cursor" in query:
            return {"owners": [view("cleo", **span)]}
        return {"owners": [view("anna", **span), view("bert", **span)], "next_cursor": "bert"}

    def _view(self, name: str) -> dict[str, Any]:
        own = self.limits.get(name, {})
        return view(name, limits=own, most_running=own.get("max_running"))


@pytest.fixture
def service() -> Iterator[OwnedService]:
    with OwnedService() as service:
        yield service


def test_each_owner_is_a_line(service: OwnedService) -> None:
    lines = [line.split() for line in run(service.url, "owners").output.splitlines()]
    numbers = ["5", "2", "1.50", "42", "40", "2", "3.0", "12.5", "s", "2.0", "0.0"]
    assert [line for line in lines if line[1:] == numbers] == [
        [name, *numbers] for name in ("anna", "bert", "cleo")
    ]


def test_a_spreadsheet_gets_the_span_of_days(service: OwnedService) -> None:
    output = run(service.url, "owners", "--from", "2026-01-01", "--to", "2026-01-31", "--csv").output
    rows = list(csv.DictReader(output.splitlines()))
    assert [(row["owner"], row["succeeded"], row["device_seconds"]) for row in rows] == [
        (name, "7", "12.5") for name in ("anna", "bert", "cleo")
    ]
    assert service.asked("GET /v1/owners")[0].query == {
        "limit": "50",
        "from": "2026-01-01",
        "to": "2026-01-31",
    }


def test_a_program_gets_json(service: OwnedService) -> None:
    found = json.loads(run(service.url, "owners", "--json").output)
    assert [each["owner"] for each in found["owners"]] == ["anna", "bert", "cleo"]


def test_a_limit_is_set_beside_the_others_and_dropped(service: OwnedService) -> None:
    assert (
        "(the owner's own limit)" in run(service.url, "owners", "limits", "anna", "--max-running", "4").output
    )
    run(service.url, "owners", "limits", "anna", "--max-waiting", "9")
    assert service.limits["anna"] == {"max_running": 4, "max_waiting": 9}
    run(service.url, "owners", "limits", "anna", "--usual")
    assert service.limits["anna"] == {}
    run(service.url, "owners", "limits", "newcomer", "--max-running", "1")
    assert service.limits["newcomer"] == {"max_running": 1}


def test_limits_are_shown_without_options(service: OwnedService) -> None:
    output = run(service.url, "owners", "limits", "anna").output
    assert "2 of any number" in output
    assert service.limits == {}


def test_options_that_exclude_each_other_are_refused(service: OwnedService) -> None:
    assert run(service.url, "owners", "limits", "anna", "--usual", "--max-running", "1").exit_code == 2
    assert run(service.url, "owners", "--csv", "--json").exit_code == 2
