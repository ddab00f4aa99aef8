"""Signing in with a key, the cookie, and which pages may use it."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.access.session_cookie import COOKIE
from api.services import services
from shared.settings import Settings
from shared.wire.operations.api_key import Scope, id_in
from tests.access import as_owner, make_key
from tests.stacks.servers import wait_until
from tests.stacks.service import PAIR, accepted, assert_problem, service

SESSION, JOBS = "/v1/session", "/v1/jobs"
OWN = {"Sec-Fetch-Site": "same-origin"}


def signed_in(app: Flask, owner: str = "anna", scope: Scope = Scope.USER) -> FlaskClient:
    """Return a client with a session's cookie and no key."""
    client = app.test_client()
    response = client.post(SESSION, json={"key": make_key(app, owner, scope)}, headers=OWN)
    assert response.status_code == 200, response.text
    return client


def cookie_of(client: FlaskClient) -> str:
    found = client.get_cookie(COOKIE)
    assert found
    return found.value


def test_a_session_is_its_owner_and_may_what_its_key_may(app: Flask) -> None:
    client = signed_in(app)
    view = client.get(SESSION).json or {}
    assert (view["owner"], view["scope"], view["by_session"]) == ("anna", "user", True)
    job = accepted(client.post(JOBS, json=PAIR, headers=OWN))
    assert client.get(f"{JOBS}/{job['id']}").status_code == 200
    assert signed_in(app, "bert").get(f"{JOBS}/{job['id']}").status_code == 404
    assert_problem(client.get("/v1/workers"), 403, "forbidden")
    assert signed_in(app, "root", Scope.ADMIN).get("/v1/workers").status_code == 200


def test_the_cookie_is_for_this_service_alone_and_no_script_reads_it(app: Flask) -> None:
    key = make_key(app, "anna")
    response = app.test_client().post(SESSION, json={"key": key})
    cookie = SimpleCookie(response.headers["Set-Cookie"])[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert int(cookie["max-age"]) == 12 * 3600
    assert not cookie["secure"]  # nobody could sign in on loopback
    assert key not in cookie.value


def test_behind_tls_and_a_prefix_the_cookie_needs_tls_and_the_prefix(app: Flask, settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://api.example/paint"})
    with service(public) as behind:
        key = make_key(behind, "anna")
        response = behind.test_client().post(
            SESSION, json={"key": key}, headers={"Origin": "https://api.example"}
        )
        cookie = SimpleCookie(response.headers["Set-Cookie"])[COOKIE]
    assert (cookie["secure"], cookie["path"]) == (True, "/paint")


def test_signing_out_ends_the_session_and_not_only_the_cookie(app: Flask) -> None:
    client = signed_in(app)
    text = cookie_of(client)
    response = client.delete(SESSION, headers=OWN)
    assert (response.status_code, client.get_cookie(COOKIE)) == (204, None)
    client.set_cookie(COOKIE, text)
    assert "has ended" in assert_problem(client.get(JOBS), 401, "unauthenticated")
    assert client.delete(SESSION, headers=OWN).status_code == 204


def test_a_viewer_signs_in_and_out_and_changes_nothing(app: Flask) -> None:
    client = signed_in(app, scope=Scope.VIEWER)
    assert client.get(JOBS).status_code == 200
    assert_problem(client.post(JOBS, json=PAIR, headers=OWN), 403, "forbidden")
    assert client.delete(SESSION, headers=OWN).status_code == 204


def test_a_revoked_key_ends_its_sessions(app: Flask) -> None:
    client = signed_in(app)
    with app.app_context():
        make_key(app, "root")  # or the service would open itself to its machine
        key_id = cookie_of(client).partition(".")[0]
        services().keyring.store.revoke(key_id)
    wait_until(lambda: client.get(JOBS).status_code == 401, 5)


def test_an_expired_or_unknown_key_and_one_for_metrics_get_no_session(app: Flask) -> None:
    client = app.test_client()
    make_key(app, "root")
    for sent in ("x", f"sq_{'0' * 12}_{'x' * 43}"):
        response = client.post(SESSION, json={"key": sent})
        assert_problem(response, 401, "unauthenticated")
        assert sent not in response.text or sent == "x"
    metrics = client.post(SESSION, json={"key": make_key(app, "prometheus", Scope.METRICS)})
    assert_problem(metrics, 403, "forbidden")
    assert client.get_cookie(COOKIE) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},  # no browser of today sends neither
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://page.example"},
        {"Origin": "http://localhost:9000"},
        {"Origin": "null"},
    ],
)
def test_pages_of_other_origins_change_nothing(app: Flask, headers: dict[str, str]) -> None:
    client = signed_in(app)
    for method, path in (("POST", JOBS), ("POST", "/v1/batches"), ("DELETE", f"{JOBS}/job_0")):
        assert_problem(client.open(path, method=method, json=PAIR, headers=headers), 403, "forbidden")
    assert (client.get(JOBS).json or {})["jobs"] == []
    if headers:
        key = make_key(app, "mallory")
        assert_problem(client.post(SESSION, json={"key": key}, headers=headers), 403, "forbidden")
        assert_problem(client.delete(SESSION, headers=headers), 403, "forbidden")
    assert (client.get(SESSION).json or {})["owner"] == "anna"


@pytest.mark.parametrize("headers", [OWN, {"Origin": "http://localhost"}, {"Origin": "https://localhost"}])
def test_the_services_own_pages_do(app: Flask, headers: dict[str, str]) -> None:
    assert signed_in(app).post(JOBS, json=PAIR, headers=headers).status_code == 202


def test_a_key_in_the_header_counts_and_not_the_cookie(app: Flask) -> None:
    client = signed_in(app)
    key = make_key(app, "bert")
    view = client.get(SESSION, headers={"Authorization": f"Bearer {key}"}).json or {}
    assert (view["owner"], view["by_session"], view["key_id"]) == ("bert", False, id_in(key))
    assert_problem(client.get(JOBS, headers={"Authorization": "Bearer x"}), 401, "unauthenticated")


def test_without_keys_this_machine_needs_no_session_and_an_old_cookie_does_no_harm(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, f"{'0' * 12}.{'x' * 43}")
    view = client.get(SESSION).json or {}
    assert (view["owner"], view["scope"], view["key_id"]) == ("anonymous", "admin", None)


def test_lanes_of_the_key_are_those_of_its_session(app: Flask) -> None:
    assert (as_owner(app, "anna").get(SESSION).json or {})["lanes"] == ["high", "normal", "bulk", "optimize"]
    assert (as_owner(app, "anna", lanes=("bulk",)).get(SESSION).json or {})["lanes"] == ["bulk"]
