"""The Host headers that a request may have, and the addresses of links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from tests.access import as_owner, make_key
from tests.stacks.service import PAIR, assert_problem, post_lines, service

PUBLIC = "https://api.example/paint"
MALFORMED = (
    "", " ", "a b", "[broken", "a/b", "user@a", "a:99999", "a:0", "a:", ":80", "a,b", "a..b",
    "-\x00", "b\xfc.example", "[v1.x]", "[::g]", "http://a", "a?b", "a#b", "<script>",
)  # fmt: skip


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_hosts": ("api.example", "[2001:db8::7]:8080", "my_api")})


@pytest.fixture(scope="module")
def open_app(settings: Settings) -> Iterator[Flask]:
    """A service without trusted hosts."""
    with service(settings.model_copy(update={"trusted_hosts": ()})) as app:
        yield app


@pytest.fixture(scope="module")
def public_app(settings: Settings) -> Iterator[Flask]:
    """A service with a public URL."""
    with service(
        settings.model_copy(update={"public_url": PUBLIC, "trusted_hosts": ("inner.example",)})
    ) as app:
        yield app


@pytest.fixture
def public(public_app: Flask, connection: redis.Redis) -> FlaskClient:
    client = as_owner(public_app, "anna")
    client.environ_base["HTTP_HOST"] = "inner.example:8080"
    return client


# --- the header Host ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_refused_and_no_link_is_made_of_it(
    open_app: Flask, connection: redis.Redis, host: str
) -> None:
    client = as_owner(open_app, "anna")
    response = client.post("/v1/jobs", json=PAIR, environ_overrides={"HTTP_HOST": host})
    assert_problem(response, 400, "bad-request")
    assert "Location" not in response.headers
    assert connection.keys("sq:job:*") == []


@pytest.mark.parametrize(
    "host", ["api.example", "API.example:8080", "my_api:8080", "[2001:db8::1]:81", "10.0.0.7", "a.example."]
)
def test_links_are_made_of_a_good_host(open_app: Flask, connection: redis.Redis, host: str) -> None:
    client = as_owner(open_app, "anna")
    response = client.post("/v1/jobs", json=PAIR, headers={"Host": host})
    assert response.headers["Location"].startswith(f"http://{host.lower()}/v1/jobs/job_")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example", 401),
        ("API.Example.:8080", 401),
        ("[2001:db8::7]", 401),
        ("my_api", 401),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example", 400),
        ("api.example.evil.example", 400),
    ],
)
def test_only_trusted_hosts_are_served(app: Flask, host: str, status: int) -> None:
    assert app.test_client().get("/v1/jobs", headers={"Host": host}).status_code == status


def test_an_unknown_host_is_a_problem_too(app: Flask) -> None:
    response = app.test_client().get("/healthz", headers={"Host": "evil.example"})
    assert "trusted_hosts" in assert_problem(response, 400, "bad-request")


# --- the public URL -----------------------------------------------------------------------------


def links_in(value: object) -> Iterator[str]:
    """Yield every URL of this service in a response."""
    if isinstance(value, dict):
        for member in value.values():
            yield from links_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from links_in(member)
    elif isinstance(value, str) and "/v1/" in value:
        yield value


def test_all_links_lead_to_the_public_url(public: FlaskClient) -> None:
    job = public.post("/v1/jobs", json=PAIR)
    batch = post_lines(public, PAIR)
    assert job.headers["Location"] == f"{PUBLIC}/v1/jobs/{job.json['id']}"
    assert batch.headers["Location"] == f"{PUBLIC}/v1/batches/{batch.json['id']}"
    canceled = public.post(f"/v1/batches/{batch.json['id']}/cancel")
    pages = [public.get(path).json for path in ("/v1/jobs", "/v1/batches", f"/v1/jobs/{job.json['id']}")]
    found = [list(links_in(body)) for body in (job.json, batch.json, canceled.json, *pages)]
    assert all(found)
    assert {link for links in found for link in links if not link.startswith(f"{PUBLIC}/v1/")} == set()


def place_of(page: str) -> str:
    """Return the address to which the page leads a browser."""
    (place,) = re.findall(r"url=([^\"]+)\"", page)
    return str(place)


def test_the_page_and_the_description_lead_there_too(public: FlaskClient) -> None:
    assert public.get("/openapi.json").json["servers"] == [{"url": PUBLIC}]
    for path in ("/docs", "/docs/"):
        assert urljoin(PUBLIC + path, place_of(public.get(path).text)) == f"{PUBLIC}/docs/swagger"


def test_the_public_host_is_trusted_without_being_named(public: FlaskClient) -> None:
    for host, status in (("api.example", 200), ("inner.example", 200), ("evil.example", 400)):
        assert public.get("/v1/jobs", headers={"Host": host}).status_code == status


def test_a_service_with_a_public_url_takes_nobody_for_local(
    public_app: Flask, connection: redis.Redis
) -> None:
    host = {"Host": "127.0.0.1"}
    assert_problem(public_app.test_client().get("/v1/jobs", headers=host), 401, "unauthenticated")


def test_the_docs_give_the_same_answer_with_and_without_a_slash(
    open_app: Flask, connection: redis.Redis
) -> None:
    make_key(open_app, "anna")
    client = open_app.test_client()
    for path in ("/docs", "/docs/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert urljoin(path, place_of(answer.text)) == "/docs/swagger"
