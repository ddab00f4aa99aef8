"""Admins reach every owner's records, and each time the log says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
import structlog
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner, routes
from tests.checks.possessions import DELIVERIES, Theirs
from tests.stacks.service import PAIR, accepted, assert_problem, give_up, post_lines

JOBS, BATCHES, DEAD = "/v1/jobs", "/v1/batches", "/v1/dead-letters"
LISTS = {JOBS: "jobs", BATCHES: "batches", DEAD: "jobs", DELIVERIES: "deliveries"}
REACHED = "another owner's records"


@pytest.fixture
def theirs(app: Flask, connection: redis.Redis, settings: Settings) -> Theirs:
    return Theirs(app, connection, Storage(settings))


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return as_owner(app, "root", Scope.ADMIN)


def listed(client: FlaskClient, path: str, **query: Any) -> list[tuple[str, str]]:
    """Return the id and the owner of everything in a list, which is read page by page."""
    found: list[tuple[str, str]] = []
    cursor = ""
    while not found or cursor:
        response = client.get(path, query_string={**query, **({"cursor": cursor} if cursor else {})})
        assert response.status_code == 200, response.text
        page = response.json or {}
        found += [(each["id"], each["owner"]) for each in page[LISTS[path]]]
        cursor = page["next_cursor"] or ""
        if not page[LISTS[path]]:
            break
    return found


def test_an_admin_sees_every_record_as_its_owner_does(theirs: Theirs, admin: FlaskClient) -> None:
    asked = 0
    for method, path in routes(admin.application):
        for argument, ids in theirs.ids().items():
            for each in ids if method == "GET" and f"<{argument}>" in path else []:
                url = path.replace(f"<{argument}>", each)
                answers = [client.get(url, buffered=True) for client in (theirs.client, admin)]
                assert answers[0].status_code == answers[1].status_code, (url, answers[1].text)
                asked += 1
    assert asked >= 12


def test_an_admin_cancels_retries_and_deletes_what_is_anybodys(app: Flask, admin: FlaskClient) -> None:
    owner = as_owner(app, "anna")
    job = accepted(owner.post(JOBS, json=PAIR))["links"]["self"]
    batch = accepted(post_lines(owner, PAIR, PAIR))["links"]["self"]
    assert (admin.post(f"{job}/cancel").json or {})["status"] == "canceled"
    assert accepted(admin.post(f"{job}/retry"))["owner"] == "anna"
    assert (owner.get(job).json or {})["status"] == "queued"
    assert (admin.post(f"{batch}/cancel").json or {})["counts"]["canceled"] == 2
    assert accepted(admin.post(f"{batch}/retry", json={"only": "all"}))["counts"]["queued"] == 2
    assert admin.delete(job).status_code == 204
    assert owner.get(job).status_code == 404


def test_a_missing_job_is_404_for_an_admin_too(admin: FlaskClient) -> None:
    for path, code in (
        (f"{JOBS}/job_0", "job-not-found"),
        (f"{JOBS}/job_0/result", "job-not-found"),
        (f"{BATCHES}/batch_0", "batch-not-found"),
        (f"{BATCHES}/batch_0/jobs", "batch-not-found"),
        (f"{DELIVERIES}/msg_0", "delivery-not-found"),
    ):
        assert_problem(admin.get(path), 404, code)
    assert_problem(admin.post(f"{JOBS}/job_0/cancel"), 404, "job-not-found")
    assert_problem(admin.post(f"{DEAD}/job_0/replay"), 404, "dead-letter-not-found")


@pytest.mark.parametrize("limit", [1, 3])
def test_a_list_of_all_owners_has_everything_newest_first(
    app: Flask, connection: redis.Redis, settings: Settings, admin: FlaskClient, limit: int
) -> None:
    owners = {name: Theirs(app, connection, Storage(settings), name) for name in ("anna", "bert", "cleo")}
    for path in LISTS:
        of_each = {name: listed(admin, path, owner=name, limit=limit) for name in owners}
        for name, theirs in owners.items():
            assert [each for each, _ in of_each[name]] == [each for each, _ in listed(theirs.client, path)]
            assert {owner for _, owner in of_each[name]} == {name}
        everything = sorted((each for some in of_each.values() for each in some), reverse=True)
        assert listed(admin, path, owner="*", limit=limit) == everything
        assert listed(admin, path) == []


def test_lists_are_filtered_whoever_has_the_records(theirs: Theirs, admin: FlaskClient) -> None:
    of_all = {"owner": "*"}
    assert {job for job, _ in listed(admin, JOBS, **of_all, status="failed")} == {theirs.failed}
    assert {job for job, _ in listed(admin, JOBS, **of_all, batch_id=theirs.batch)} == {
        theirs.job,
        theirs.failed,
    }
    assert listed(admin, JOBS, **of_all, batch_id="batch_" + "0" * 26) == []
    assert listed(admin, DEAD, **of_all, code="no-such-code") == []


def test_an_admin_who_names_a_batch_or_a_job_need_not_say_whose_it_is(
    theirs: Theirs, admin: FlaskClient
) -> None:
    with structlog.testing.capture_logs() as logs:
        jobs = listed(admin, JOBS, batch_id=theirs.batch)
        deliveries = listed(admin, DELIVERIES, job_id=theirs.job)
    assert {job for job, _ in jobs} == {theirs.job, theirs.failed}
    assert deliveries == [(theirs.delivery, "anna")]
    assert [log["owner"] for log in logs if log["event"] == REACHED] == ["anna", "anna"]
    for path, query in (
        (JOBS, {"batch_id": "batch_" + "0" * 26}),
        (DELIVERIES, {"job_id": "job_" + "0" * 32}),
        (DELIVERIES, {"batch_id": "batch_" + "0" * 26}),
    ):
        assert listed(admin, path, **query) == []


def test_an_admin_names_jobs_of_anybody(theirs: Theirs, admin: FlaskClient) -> None:
    assert {job for job, _ in listed(admin, JOBS, ids=f"{theirs.job},{theirs.failed}")} == {
        theirs.job,
        theirs.failed,
    }


@pytest.mark.parametrize("owner", ["*", "bert", "nobody"])
def test_nobody_else_reads_other_owners_lists(app: Flask, theirs: Theirs, owner: str) -> None:
    for client in (theirs.client, as_owner(app, "anna", Scope.VIEWER)):
        for path in LISTS:
            response = client.get(path, query_string={"owner": owner})
            assert "--admin" in assert_problem(response, 403, "forbidden")
    response = theirs.client.post(f"{DEAD}/replay", query_string={"owner": owner})
    assert_problem(response, 403, "forbidden")


def test_an_owner_may_name_itself_and_is_not_shown(theirs: Theirs) -> None:
    assert {owner for _, owner in listed(theirs.client, JOBS, owner="anna")} == {None}


@pytest.mark.parametrize("owner", ["", "Anna", "a*", "a" * 41])
def test_an_invalid_owner_is_refused(admin: FlaskClient, owner: str) -> None:
    for path in LISTS:
        response = admin.get(path, query_string={"owner": owner})
        assert_problem(response, 422, "invalid-parameter", "/owner")


def test_dead_letters_of_anybody_are_replayed(app: Flask, store: JobStore, admin: FlaskClient) -> None:
    failed = {}
    for name in ("anna", "bert", "cleo"):
        failed[name] = accepted(as_owner(app, name).post(JOBS, json=PAIR))["id"]
        give_up(store, failed[name])
    assert accepted(admin.post(f"{DEAD}/replay")) == {"replayed": 0}
    assert accepted(admin.post(f"{DEAD}/replay?owner=anna")) == {"replayed": 1}
    assert accepted(admin.post(f"{DEAD}/{failed['bert']}/replay"))["owner"] == "bert"
    assert accepted(admin.post(f"{DEAD}/replay?owner=*")) == {"replayed": 1}
    assert {store.get(job_id).status for job_id in failed.values()} == {"queued"}


@pytest.mark.parametrize(
    ("ask", "owner", "route"),
    [
        (lambda client, _: client.get(f"{JOBS}?owner=*"), "*", JOBS),
        (lambda client, _: client.get(f"{BATCHES}?owner=anna"), "anna", BATCHES),
        (lambda client, _: client.post(f"{DEAD}/replay?owner=anna"), "anna", f"{DEAD}/replay"),
        (lambda client, them: client.get(f"{JOBS}/{them.job}"), "anna", f"{JOBS}/<job_id>"),
        (lambda client, them: client.get(f"{JOBS}?ids={them.job},{them.failed}"), "anna", JOBS),
        (lambda client, them: client.get(f"{JOBS}/{them.job}/result"), "anna", f"{JOBS}/<job_id>/result"),
        (lambda client, them: client.delete(f"{JOBS}/{them.job}"), "anna", f"{JOBS}/<job_id>"),
        (lambda client, them: client.get(f"{BATCHES}/{them.batch}"), "anna", f"{BATCHES}/<batch_id>"),
        (
            lambda client, them: client.get(f"{BATCHES}/{them.batch}/results"),
            "anna",
            f"{BATCHES}/<batch_id>/results",
        ),
        (
            lambda client, them: client.post(f"{DEAD}/{them.failed}/replay"),
            "anna",
            f"{DEAD}/<job_id>/replay",
        ),
        (
            lambda client, them: client.get(f"{DELIVERIES}/{them.delivery}"),
            "anna",
            f"{DELIVERIES}/<delivery_id>",
        ),
    ],
)
def test_each_reach_is_logged_once_with_the_key_and_the_owner(
    theirs: Theirs,
    admin: FlaskClient,
    connection: redis.Redis,
    ask: Callable[[FlaskClient, Theirs], Any],
    owner: str,
    route: str,
) -> None:
    (key,) = KeyStore(connection).keys("root")
    with structlog.testing.capture_logs() as lines:
        assert ask(admin, theirs).status_code < 400
    (line,) = [line for line in lines if line["event"] == REACHED]
    assert (line["owner"], line["key_id"], line["route"]) == (owner, key.id, route)


def test_an_admin_sees_how_much_another_owner_has(app: Flask, admin: FlaskClient) -> None:
    accepted(as_owner(app, "anna").post(JOBS, json=PAIR))
    assert (admin.get("/v1/usage?owner=anna").json or {})["records"]["used"] == 1
    assert (admin.get("/v1/usage").json or {})["records"]["used"] == 0
    assert_problem(as_owner(app, "bert").get("/v1/usage?owner=anna"), 403, "forbidden")


@pytest.mark.parametrize(("path", "owner"), [(JOBS, "Anna!"), (JOBS, ""), ("/v1/usage", "*")])
def test_an_owner_that_nobody_can_be_is_refused_in_words(admin: FlaskClient, path: str, owner: str) -> None:
    response = admin.get(path, query_string={"owner": owner})
    assert_problem(response, 422, "invalid-parameter", "/owner")
    assert "An owner's name has 1 to 40 characters of a-z, 0-9 and -" in (response.json or {})["detail"]


def test_access_to_own_records_is_not_logged(app: Flask, admin: FlaskClient) -> None:
    with structlog.testing.capture_logs() as lines:
        job = accepted(admin.post(JOBS, json=PAIR))["links"]["self"]
        assert admin.get(job).status_code == admin.get(JOBS).status_code == 200
        assert admin.delete(job).status_code == 204
    assert REACHED not in {line["event"] for line in lines}
