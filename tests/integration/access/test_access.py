"""Authentication by key, in the API on a real Redis."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import redis
from flask import Flask, request

from api.server.known_keys import LET_IN
from shared.store.api_keys import KeyStore
from shared.wire.operations.api_key import Scope
from tests.access import as_owner, make_key, routes, with_key
from tests.stacks.servers import wait_until
from tests.stacks.service import NDJSON, PAIR, assert_problem

JOB = "/v1/jobs"


def test_without_keys_this_machine_is_let_in_and_may_do_everything(app: Flask) -> None:
    client = app.test_client()
    assert client.post(JOB, json=PAIR).status_code == 202
    assert client.get("/v1/workers").status_code == 200


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": ""},  # a Unix socket hides who is behind it
        {"SERVER_NAME": "0.0.0.0"},
        {"HTTP_HOST": "rebound.example"},
        {"HTTP_ORIGIN": "https://page.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"HTTP_FORWARDED": "for=192.0.2.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_FORWARDED_PREFIX": "/paint"},
        {"HTTP_X_CLIENT_IP": "192.0.2.1"},
        {"HTTP_CF_CONNECTING_IP": "192.0.2.1"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
    ],
)
def test_without_keys_nobody_else_is_let_in(app: Flask, environ: dict[str, str]) -> None:
    response = app.test_client().get(JOB, environ_overrides=environ)
    detail = assert_problem(response, 401, "unauthenticated")
    assert "stylequeue keys create OWNER" in detail


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_without_keys_a_browser_on_this_machine_sees_the_service_itself(app: Flask, site: str) -> None:
    assert app.test_client().get(JOB, headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.1", "127.0.0.1:8080"), ("::1", "[::1]:8080"), ("::ffff:127.0.0.1", "localhost")],
)
def test_this_machine_has_several_names(app: Flask, address: str, host: str) -> None:
    environ = {"REMOTE_ADDR": address, "HTTP_HOST": host, "HTTP_ORIGIN": f"http://{host}"}
    assert app.test_client().get(JOB, environ_overrides=environ).status_code == 200


def test_once_there_is_a_key_every_route_needs_one(app: Flask) -> None:
    make_key(app, "anna")
    client = app.test_client()
    wait_until(lambda: client.get(JOB).status_code == 401, 5)
    asked = 0
    for method, path in routes(app):
        response = client.open(path.replace("<", "").replace(">", ""), method=method)
        assert_problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="stylequeue"'
        asked += 1
    assert asked > 20
    assert client.get("/v1/nothing").status_code == 401
    for path in ("/healthz", "/openapi.json", "/docs", "/docs/", "/docs/swagger"):
        assert client.get(path).status_code == 200, path
    assert client.get("/readyz").status_code == 503  # no worker, but a response


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "{key}",
        "Token {key}",
        "Bearer {key}x",
        "Bearer sq_",
        "Bearer {key} {key}",
    ],
)
def test_an_invalid_key_is_401_and_is_not_repeated(app: Flask, header: str) -> None:
    key = make_key(app, "anna")
    response = app.test_client().get(JOB, headers={"Authorization": header.format(key=key)})
    assert_problem(response, 401, "unauthenticated")
    assert key not in response.text


def test_the_scheme_is_read_in_any_case_and_a_key_in_the_url_is_not_read(app: Flask) -> None:
    key = make_key(app, "anna")
    assert app.test_client().get(JOB, headers={"Authorization": f"bearer {key}"}).status_code == 200
    assert app.test_client().get(f"{JOB}?api_key={key}").status_code == 401


@pytest.mark.parametrize(
    ("path", "known"), [(JOB, True), ("/v1/workers", True), ("/v1/no-such-route", True), ("/healthz", False)]
)
def test_the_server_learns_which_keys_are_valid(app: Flask, path: str, known: bool) -> None:
    valid, wrong = as_owner(app, "ada"), with_key(app, "wrong")
    for client, expected in ((valid, known), (wrong, False), (app.test_client(), False)):
        with client:  # keeps the request at hand
            client.get(path)
            assert (LET_IN in request.environ) is expected


def test_a_revoked_key_is_good_for_a_second_at_most(app: Flask, connection: redis.Redis) -> None:
    client, other = as_owner(app, "anna"), as_owner(app, "anna")
    assert client.get(JOB).status_code == other.get(JOB).status_code == 200
    keys = KeyStore(connection)
    keys.revoke(keys.keys()[0].id)
    wait_until(lambda: client.get(JOB).status_code == 401, 2, "a 401")
    assert other.get(JOB).status_code == 200


def test_the_use_of_a_key_is_noted(app: Flask, connection: redis.Redis) -> None:
    client, keys = as_owner(app, "anna"), KeyStore(connection)
    assert not keys.last_used()
    client.get(JOB)
    assert set(keys.last_used()) == {keys.keys()[0].id}


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("GET /v1/workers", 200),
        ("GET /v1/workers/unknown", 404),
        ("POST /v1/workers/unknown/drain", 404),
        ("GET /v1/lanes", 200),
        ("POST /v1/lanes/bulk/pause", 200),
        ("POST /v1/lanes/bulk/resume", 200),
        ("GET /v1/queue/recent", 200),
    ],
)
def test_operations_need_an_operators_key(app: Flask, route: str, status: int) -> None:
    user, admin = as_owner(app, "anna"), as_owner(app, "root", Scope.ADMIN)
    method, path = route.split()
    assert "--admin" in assert_problem(user.open(path, method=method), 403, "forbidden")
    assert admin.open(path, method=method).status_code == status


class Unread(BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("it was read")


@pytest.mark.parametrize("kind", ["application/json", NDJSON, "multipart/form-data; boundary=x"])
def test_a_stranger_is_refused_before_his_body_is_read(app: Flask, kind: str) -> None:
    make_key(app, "anna")
    stranger = with_key(app, "sq_" + "0" * 12 + "_" + "x" * 43)
    response = stranger.post("/v1/batches", input_stream=Unread(b"{}"), content_type=kind)
    assert_problem(response, 401, "unauthenticated")
