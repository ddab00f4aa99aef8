"""/v1/audit: each changing action of operators and owners gets one entry, with who did it."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import structlog
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from api.access.audit import AUDITED, AUDITED_IF_ANOTHERS
from api.access.scopes import READS
from api.services import services
from client.command import main
from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner, make_key
from tests.jobs import worker_info
from tests.stacks.service import PAIR, accepted, assert_problem, give_up, post_lines

AUDIT = "/v1/audit"
NOT_AUDITED = {  # they submit, or they change nothing of anybody's
    "jobs.submit_job", "batches.submit_batch", "uploads.announce_upload", "estimates.estimate_jobs",
    "bulk_actions.advance_bulk_action", "webhooks.test_webhook",
}  # fmt: skip


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return as_owner(app, "root", Scope.ADMIN, name="Ada's laptop")


def entries(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    response = client.get(AUDIT, query_string=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = (response.json or {})["entries"]
    return found


def actions(client: FlaskClient, **query: Any) -> list[str]:
    """Return the actions in the order in which they were done."""
    return [each["action"] for each in entries(client, **query)][::-1]


def test_every_route_that_changes_something_is_audited_or_named_as_an_exception(app: Flask) -> None:
    changing = {
        rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - READS and rule.rule
    }
    assert changing == AUDITED.keys() | AUDITED_IF_ANOTHERS.keys() | NOT_AUDITED


def test_an_entry_says_who_did_what_when_and_in_which_request(app: Flask, admin: FlaskClient) -> None:
    response = admin.post("/v1/lanes/bulk/pause", headers={"X-Request-Id": "pause-1"})
    assert response.status_code == 200
    (entry,) = entries(admin)
    with app.app_context():
        (key,) = services().keyring.store.keys("root")
    assert (entry["action"], entry["subject"], entry["owner"]) == ("lane-paused", "bulk", None)
    assert entry["request_id"] == "pause-1"
    assert entry["actor"] == {
        "owner": "root",
        "key_id": key.id,
        "key_name": "Ada's laptop",
        "by_session": False,
        "command_line": None,
    }


def test_operations_on_the_service_are_noted_and_refused_ones_are_not(app: Flask, admin: FlaskClient) -> None:
    with app.app_context():
        services().workers.announce(worker_info("box-7-a1b2c3"))
    admin.post("/v1/lanes/bulk/pause"), admin.post("/v1/lanes/bulk/resume")
    assert admin.post("/v1/lanes/none/pause").status_code == 404
    accepted(admin.post("/v1/workers/box-7-a1b2c3/drain"))
    assert as_owner(app, "anna").post("/v1/lanes/bulk/pause").status_code == 403
    assert actions(admin) == ["lane-paused", "lane-resumed", "worker-drained"]


def test_what_is_done_to_a_batch_is_noted_and_its_submission_is_not(app: Flask, admin: FlaskClient) -> None:
    anna = as_owner(app, "anna")
    batch = accepted(post_lines(anna, PAIR, PAIR))["links"]["self"]
    for step in ("pause", "resume", "first"):
        assert anna.post(f"{batch}/{step}").status_code == 200
    assert anna.post(f"{batch}/lane", json={"lane": "high"}).status_code == 200
    anna.post(f"{batch}/cancel")
    accepted(anna.post(f"{batch}/retry", json={"only": "all"}))
    anna.post(f"{batch}/cancel"), anna.delete(batch)
    steps = ["paused", "resumed", "moved-first", "moved-to-lane", "canceled", "retried", "canceled"]
    assert actions(anna)[: len(steps)] == [f"batch-{step}" for step in steps]
    assert {each["owner"] for each in entries(admin)} == {"anna"}
    assert {each["subject"] for each in entries(admin)} == {batch.rpartition("/")[2]}


def test_bulk_actions_and_replays_are_noted_with_their_numbers(
    app: Flask, store: JobStore, admin: FlaskClient
) -> None:
    anna = as_owner(app, "anna")
    failed = [accepted(anna.post("/v1/jobs", json=PAIR))["id"] for _ in range(2)]
    give_up(store, failed[0]), give_up(store, failed[1])
    wanted = {"action": "delete", "filter": {"status": "failed"}}
    action = accepted(admin.post("/v1/bulk-actions?owner=anna", json=wanted))
    path = f"/v1/bulk-actions/{action['id']}"
    accepted(admin.post(f"{path}/advance"))
    accepted(anna.post("/v1/dead-letters/replay", json={"code": "none"}))
    accepted(anna.post(f"/v1/dead-letters/{failed[0]}/replay"))
    assert_problem(admin.post(f"{path}/confirm", json={"count": 5}), 409, "action-not-ready", "/count")
    accepted(admin.post(f"{path}/confirm", json={"count": 2}))
    assert admin.delete(path).status_code == 204
    found = entries(admin, owner="anna")[::-1]
    assert [(each["action"], each["details"]) for each in found] == [
        ("bulk-action-created", {"action": "delete", "filter": "status failed"}),
        ("dead-letters-replayed", {"replayed": 0, "code": "none"}),
        ("dead-letters-replayed", {}),
        ("bulk-action-confirmed", {"action": "delete", "count": 2}),
        ("bulk-action-deleted", {"action": "delete", "changed": 1}),
    ]


def test_single_jobs_are_noted_only_if_an_admin_acts_on_anothers(app: Flask, admin: FlaskClient) -> None:
    anna = as_owner(app, "anna")
    for client in (anna, admin):
        job = accepted(anna.post("/v1/jobs", json=PAIR))["links"]["self"]
        assert client.post(f"{job}/cancel").status_code == 200
        accepted(client.post(f"{job}/retry"))
        assert client.delete(job).status_code == 204
    own = accepted(admin.post("/v1/jobs", json=PAIR))["links"]["self"]
    assert admin.delete(own).status_code == 204
    assert actions(admin) == ["job-canceled", "job-retried", "job-deleted"]


def test_signing_in_and_out_is_noted(app: Flask, admin: FlaskClient) -> None:
    key = make_key(app, "anna")
    browser = app.test_client()
    assert browser.post("/v1/session", json={"key": "sq_wrong"}).status_code == 401
    assert browser.post("/v1/session", json={"key": key}).status_code == 200
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert browser.post("/v1/webhooks/secret/rotate", headers=headers).status_code == 200
    assert browser.delete("/v1/session", headers=headers).status_code == 204
    assert browser.delete("/v1/session", headers=headers).status_code == 204
    assert actions(admin) == ["signed-in", "webhook-secret-replaced", "signed-out"]
    assert {(each["actor"]["owner"], each["actor"]["by_session"]) for each in entries(admin)} == {
        ("anna", True)
    }


def test_an_owner_sees_its_own_and_not_which_operator_acted(app: Flask, admin: FlaskClient) -> None:
    anna, bert = as_owner(app, "anna"), as_owner(app, "bert")
    job = accepted(anna.post("/v1/jobs", json=PAIR))["links"]["self"]
    admin.post(f"{job}/cancel"), bert.post("/v1/webhooks/secret/rotate")
    anna.post("/v1/webhooks/secret/rotate"), admin.post("/v1/lanes/bulk/pause")
    mine, operators = entries(anna)
    assert mine["actor"]["owner"] == "anna"
    assert (operators["action"], operators["owner"], operators["actor"]) == ("job-canceled", "anna", None)
    assert entries(as_owner(app, "anna", Scope.VIEWER)) == [mine, operators]
    assert_problem(anna.get(f"{AUDIT}?owner=bert"), 403, "forbidden")
    assert_problem(anna.get(f"{AUDIT}?owner=*"), 403, "forbidden")
    assert len(entries(admin)) == len(entries(admin, owner="*")) == 4
    assert actions(admin, owner="bert") == ["webhook-secret-replaced"]


def test_entries_hold_no_secret(app: Flask, admin: FlaskClient) -> None:
    made = (admin.post("/v1/keys", json={"owner": "anna"}).json or {})["key"]
    secret = (admin.post("/v1/webhooks/secret/rotate").json or {})["secret"]
    app.test_client().post("/v1/session", json={"key": made})
    text = admin.get(AUDIT).text
    assert len(entries(admin)) == 3
    for hidden in (made, made.rpartition("_")[2], secret):
        assert hidden not in text


def test_a_filter_is_checked_and_pages_are_followed(admin: FlaskClient) -> None:
    for _ in range(3):
        admin.post("/v1/lanes/bulk/pause")
    first = admin.get(AUDIT, query_string={"limit": 2}).json or {}
    rest = admin.get(AUDIT, query_string={"limit": 2, "cursor": first["next_cursor"]}).json or {}
    assert (len(first["entries"]), len(rest["entries"]), rest["next_cursor"]) == (2, 1, None)
    assert actions(admin, actor="laptop", action="lane-paused", since="2026-01-01T00:00:00Z") != []
    assert actions(admin, until="2026-01-01T00:00:00Z") == []
    for query, pointer in (("action=sung", "/action"), ("since=today", "/since"), ("owner=A", "/owner")):
        assert_problem(admin.get(f"{AUDIT}?{query}"), 422, "invalid-parameter", pointer)


def test_an_action_stands_if_its_entry_is_not_stored_and_the_log_has_it(
    admin: FlaskClient, connection: redis.Redis
) -> None:
    connection.set("sq:audit:operators", "damaged")
    with structlog.testing.capture_logs() as lines:
        assert (admin.post("/v1/lanes/bulk/pause").json or {})["paused"]
    (line,) = [line for line in lines if line["event"] == "audit entry not stored"]
    assert (line["entry"]["action"], line["entry"]["subject"]) == ("lane-paused", "bulk")


def test_commands_on_redis_are_noted_with_host_and_user(
    redis_url: str, connection: redis.Redis, admin: FlaskClient
) -> None:
    environment = {"STYLEQUEUE_REDIS_URL": redis_url}
    for words in ("create bert --name ci --viewer", "adopt bert"):
        assert CliRunner().invoke(main, ["keys", *words.split()], env=environment).exit_code == 0
    (bert,) = KeyStore(connection).keys("bert")
    assert CliRunner().invoke(main, ["keys", "revoke", bert.id], env=environment).exit_code == 0
    found = entries(admin, owner="bert")[::-1]
    assert [each["action"] for each in found] == ["key-created", "records-adopted", "key-revoked"]
    assert (found[0]["subject"], found[0]["details"]) == (bert.id, {"scope": "viewer", "name": "ci"})
    who = found[0]["actor"]["command_line"]
    assert who.count("/") == 1
    assert actions(admin, actor=who.split("/")[0]) == ["key-created", "records-adopted", "key-revoked"]
