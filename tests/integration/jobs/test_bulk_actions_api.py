"""/v1/bulk-actions over HTTP."""

from __future__ import annotations

from typing import Any

import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner
from tests.stacks.service import PAIR, accepted, assert_problem, give_up

ACTIONS = "/v1/bulk-actions"


def advanced(client: FlaskClient, action: dict[str, Any]) -> dict[str, Any]:
    while action["status"] in ("counting", "running"):
        action = accepted(client.post(f"{ACTIONS}/{action['id']}/advance"))
    return action


def test_failed_jobs_are_counted_confirmed_and_queued_again(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    ids = [accepted(client.post("/v1/jobs", json={**PAIR, "tags": ["sea"]}))["id"] for _ in range(3)]
    for job_id in ids[:2]:
        give_up(store, job_id)
    connection.delete("stylize.normal", "sq:calls:normal")
    body = {"action": "retry", "filter": {"status": "failed", "tag": "sea"}}
    counted = advanced(client, accepted(client.post(ACTIONS, json=body)))
    assert (counted["status"], counted["matched"]) == ("counted", 2)
    path = f"{ACTIONS}/{counted['id']}"
    assert_problem(client.post(f"{path}/confirm", json={"count": 3}), 409, "action-not-ready", "/count")
    done = advanced(client, accepted(client.post(f"{path}/confirm", json={"count": 2})))
    assert (done["status"], done["changed"]) == ("done", 2)
    assert connection.llen("stylize.normal") > 0
    assert client.get(path).json == done
    assert (client.get(ACTIONS).json or {})["bulk_actions"] == [done]
    assert client.delete(path).status_code == 204
    assert_problem(client.get(path), 404, "action-not-found")


def test_an_admin_reaches_all_owners_and_others_their_own(app: Flask) -> None:
    for name in ("anna", "bert"):
        accepted(as_owner(app, name).post("/v1/jobs", json=PAIR))
    admin, anna = as_owner(app, "root", Scope.ADMIN), as_owner(app, "anna")
    cancel = {"action": "cancel"}
    counts = [
        advanced(client, accepted(client.post(ACTIONS + query, json=cancel)))["matched"]
        for client, query in ((admin, "?owner=*"), (admin, "?owner=anna"), (admin, ""), (anna, ""))
    ]
    assert counts == [2, 1, 0, 1]
    assert_problem(anna.post(ACTIONS + "?owner=bert", json=cancel), 403, "forbidden")


def test_a_malformed_action_is_refused_with_its_member(client: FlaskClient) -> None:
    for body, pointer in (
        ({"action": "paint"}, "/action"),
        ({"action": "cancel", "filter": {"colour": "red"}}, "/filter/colour"),
        ({"action": "cancel", "filter": {"created_after": "today"}}, "/filter/created_after"),
    ):
        assert_problem(client.post(ACTIONS, json=body), 422, "invalid-parameter", pointer)
