"""/v1/keys: admins make, list and revoke keys by the rules of the command."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.store.api_keys import KeyStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner, with_key
from tests.checks.acl import API, as_user, make_user
from tests.stacks.servers import wait_until
from tests.stacks.service import PAIR, accepted, assert_problem, service

KEYS = "/v1/keys"


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return as_owner(app, "root", Scope.ADMIN)


def make(client: FlaskClient, **members: Any) -> dict[str, Any]:
    response = client.post(KEYS, json=members)
    assert response.status_code == 201, response.text
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = response.json or {}
    return found


def listed(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (client.get(KEYS + query).json or {})["keys"]
    return found


def test_a_key_is_shown_once_and_works_until_it_is_revoked(app: Flask, admin: FlaskClient) -> None:
    made = make(admin, owner="anna", name="laptop", lanes=["bulk", "normal"], expires="90d")
    assert (made["owner"], made["scope"], made["lanes"], made["first"]) == (
        "anna",
        "user",
        ["normal", "bulk"],
        False,
    )
    anna = with_key(app, made["key"])
    accepted(anna.post("/v1/jobs", json=PAIR))
    assert_problem(anna.post("/v1/jobs", json={**PAIR, "lane": "high"}), 403, "lane-not-allowed", "/lane")
    (seen,) = listed(admin, "?owner=anna")
    assert seen["last_used_at"]
    assert (seen["id"], seen["name"], seen["expired"]) == (made["id"], "laptop", False)
    assert made["key"] not in admin.get(KEYS).text
    assert "sha256" not in admin.get(KEYS).text
    assert admin.delete(f"{KEYS}/{made['id']}").status_code == 204
    wait_until(lambda: anna.get("/v1/jobs").status_code == 401, 3, "a 401")
    assert listed(admin, "?owner=anna") == []
    assert_problem(admin.delete(f"{KEYS}/{made['id']}"), 404, "key-not-found")


def test_the_first_key_says_so_and_closes_the_service(app: Flask) -> None:
    made = make(app.test_client(), owner="root", scope="admin")
    assert made["first"]
    wait_until(lambda: app.test_client().get(KEYS).status_code == 401, 3, "a closed service")
    assert [key["id"] for key in listed(with_key(app, made["key"]))] == [made["id"]]


@pytest.mark.parametrize("scope", [Scope.USER, Scope.VIEWER, Scope.METRICS])
def test_nobody_but_an_admin_sees_or_changes_keys(app: Flask, admin: FlaskClient, scope: Scope) -> None:
    client, (key,) = as_owner(app, "anna", scope), listed(admin, "?owner=root")
    for response in (
        client.get(KEYS),
        client.post(KEYS, json={"owner": "anna", "scope": "admin"}),
        client.delete(f"{KEYS}/{key['id']}"),
    ):
        assert_problem(response, 403, "forbidden")
    assert len(listed(admin)) == 2


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"owner": "anonymous"}, "/owner"),
        ({"owner": "Anna"}, "/owner"),
        ({}, "/owner"),
        ({"owner": "anna", "scope": "root"}, "/scope"),
        ({"owner": "anna", "name": "a\nb"}, "/name"),
        ({"owner": "anna", "name": "n" * 101}, "/name"),
        ({"owner": "anna", "lanes": ["fast"]}, "/lanes/0"),
        ({"owner": "anna", "scope": "viewer", "lanes": ["bulk"]}, "/lanes"),
        ({"owner": "anna", "expires": "soon"}, "/expires"),
        ({"owner": "anna", "expires": "2020-01-01"}, "/expires"),
        ({"owner": "anna", "expires": "999999w"}, "/expires"),
        ({"owner": "anna", "key": "mine"}, "/key"),
    ],
)
def test_a_key_that_nobody_may_have_is_refused(
    admin: FlaskClient, members: dict[str, Any], pointer: str
) -> None:
    assert_problem(admin.post(KEYS, json=members), 422, "invalid-parameter", pointer)
    assert len(listed(admin)) == 1


def test_an_api_that_may_only_read_keys_says_so(
    settings: Settings, connection: redis.Redis, redis_url: str
) -> None:
    make_user(connection, user=API)
    text, key = KeyStore(connection).create("root", Scope.ADMIN)
    try:
        with service(settings.model_copy(update={"redis_url": as_user(redis_url, API)})) as app:
            admin = with_key(app, text)
            assert [each["id"] for each in listed(admin)] == [key.id]
            for response in (
                admin.post(KEYS, json={"owner": "anna"}),
                admin.delete(f"{KEYS}/{key.id}"),
            ):
                assert "stylequeue keys" in assert_problem(response, 403, "forbidden")
    finally:
        connection.execute_command("ACL", "DELUSER", API)
    assert len(KeyStore(connection).keys()) == 1
