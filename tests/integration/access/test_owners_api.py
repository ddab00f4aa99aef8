"""/v1/owners: what each owner has and took, and limits that an operator sets."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.store.jobs import JobStore
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from tests.access import as_owner
from tests.jobs import LEASE_SECONDS, RESULT, create, fail, succeed
from tests.stacks.service import PAIR, accepted, assert_problem

OWNERS = "/v1/owners"


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return as_owner(app, "root", Scope.ADMIN)


def listed(admin: FlaskClient, **query: object) -> list[dict[str, Any]]:
    response = admin.get(OWNERS, query_string=query)
    assert response.status_code == 200, response.text
    return list((response.json or {})["owners"])


def limit(admin: FlaskClient, owner: str, **limits: object) -> dict[str, Any]:
    response = admin.put(f"{OWNERS}/{owner}/limits", json=limits)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


def test_each_owner_is_there_with_jobs_bytes_keys_and_usage(
    app: Flask, admin: FlaskClient, store: JobStore
) -> None:
    as_owner(app, "anna")
    waiting, _, done, lost = (create(store, "anna") for _ in range(4))
    store.claim(waiting, LEASE_SECONDS)
    succeed(store, done)
    fail(store, lost)
    anna, root = listed(admin)
    assert (anna["owner"], root["owner"]) == ("anna", "root")
    assert (anna["waiting"], anna["running"], anna["keys"]) == (1, 1, 1)
    assert anna["stored_bytes"] == RESULT.bytes
    for period in ("last_day", "last_7_days", "last_30_days"):
        took = anna[period]
        assert (took["succeeded"], took["failed"], took["bytes_out"]) == (1, 1, RESULT.bytes)
    assert anna == admin.get(f"{OWNERS}/anna").json
    assert root["last_30_days"]["succeeded"] == 0
    (of_span, _) = listed(admin, **{"from": "2026-01-01", "to": "2026-01-31"})
    assert of_span["span"]["succeeded"] == 0


def test_pages_hold_every_owner_once(admin: FlaskClient, store: JobStore) -> None:
    names = [f"owner-{number}" for number in range(7)]
    for name in names:
        create(store, name)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = admin.get(OWNERS, query_string={"limit": 3, "cursor": cursor or ""}).json or {}
        found += [each["owner"] for each in page["owners"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [*names, "root"]


def test_an_owner_stays_in_the_list_when_all_jobs_are_deleted(
    admin: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    job_id = create(store, "anna")
    succeed(store, job_id)
    store.delete(job_id, "anna")
    connection.delete("sq:owners")
    assert [each["owner"] for each in listed(admin)] == ["anna", "root"]
    assert admin.get(f"{OWNERS}/anna").status_code == 200
    assert_problem(admin.get(f"{OWNERS}/bert"), 404, "owner-not-found")


def test_a_limit_takes_effect_at_once_and_goes_again(app: Flask, admin: FlaskClient, store: JobStore) -> None:
    anna = as_owner(app, "anna")
    set_limits = limit(admin, "anna", max_running=1, max_waiting=2)
    assert set_limits["limits"] == {"max_running": 1, "max_waiting": 2}
    assert (set_limits["most_running"], set_limits["most_waiting"]) == (1, 2)
    (entry,) = (admin.get("/v1/audit").json or {})["entries"]
    assert (entry["action"], entry["subject"], entry["owner"]) == ("owner-limited", "anna", "anna")
    assert entry["details"] == {"max_running": 1, "max_waiting": 2}
    for _ in range(2):
        accepted(anna.post("/v1/jobs", json=PAIR))
    refused = assert_problem(anna.post("/v1/jobs", json=PAIR), 429, "queue-full")
    assert "2 (max_queued_per_owner)" in refused
    take = (Lane.NORMAL, "call", LEASE_SECONDS, "process")
    assert len(store.take(*take, most=2)) == 1
    assert store.take(*take) == []
    usual = limit(admin, "anna")
    assert usual["limits"] == {"max_running": None, "max_waiting": None}
    assert usual["most_running"] is None
    assert len(store.take(*take)) == 1
    accepted(anna.post("/v1/jobs", json=PAIR))


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        ({"max_running": -1}, "/max_running"),
        ({"max_waiting": 10_000_001}, "/max_waiting"),
        ({"max_running": "5"}, "/max_running"),
        ({"most": 5}, "/most"),
    ],
)
def test_a_wrong_limit_is_refused_by_its_name(
    admin: FlaskClient, limits: dict[str, object], pointer: str
) -> None:
    assert_problem(admin.put(f"{OWNERS}/anna/limits", json=limits), 422, "invalid-parameter", pointer)


def test_a_name_that_is_none_is_refused_in_words(admin: FlaskClient) -> None:
    response = admin.put(f"{OWNERS}/Anna!/limits", json={})
    assert_problem(response, 422, "invalid-parameter", "/owner")
    assert "An owner's name has 1 to 40 characters" in response.text


@pytest.mark.parametrize("scope", [Scope.USER, Scope.VIEWER, Scope.METRICS])
def test_only_admins_see_owners_and_set_limits(app: Flask, scope: Scope) -> None:
    client = as_owner(app, "anna", scope)
    for path in (OWNERS, f"{OWNERS}/anna"):
        assert_problem(client.get(path), 403, "forbidden")
    assert_problem(client.put(f"{OWNERS}/anna/limits", json={}), 403, "forbidden")
