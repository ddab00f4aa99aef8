"""URLs of up to 8,192 characters are accepted in every place, and no error or log line repeats one whole."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.wire.base import MAX_URL
from tests.stacks.service import NDJSON, PAIR, accepted, ndjson, post_lines

MOST_SHOWN = 300  # characters of a sentence about it
ALLOWED = "https://example.org/a.jpg?X-Amz-Security-Token="


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"s3_source_buckets": ("photos",), "access_log": "all"})


def long(beginning: str, length: int = MAX_URL) -> str:
    return beginning + "x" * (length - len(beginning))


def job_with(place: str, url: str) -> dict[str, Any]:
    """Return a job that names the URL at a JSON pointer."""
    members: dict[str, Any] = {"content": PAIR["content"], "style": PAIR["style"]}
    match place:
        case "/content/url":
            members["content"] = {"url": url}
        case "/style/url":
            members["style"] = {"url": url}
        case "/styles/0/url":
            del members["style"]
            members["styles"] = [{"url": url}]
        case "/webhook/url":
            members["webhook"] = {"url": url}
    return members


PLACES = ("/content/url", "/style/url", "/styles/0/url", "/webhook/url")


@pytest.mark.parametrize("place", PLACES)
def test_a_url_of_the_largest_length_is_taken_and_comes_back_whole(client: FlaskClient, place: str) -> None:
    url = long(ALLOWED)
    job = accepted(client.post("/v1/jobs", json=job_with(place, url)))
    shown = client.get(job["links"]["self"]).json or {}
    assert url in str(shown["webhook" if place == "/webhook/url" else "request"])
    batch = accepted(post_lines(client, job_with(place, url)))
    assert (batch["total"], batch["rejected"]) == (1, 0)


@pytest.mark.parametrize("place", PLACES)
def test_a_longer_one_is_refused_with_its_place_and_the_limit(client: FlaskClient, place: str) -> None:
    response = client.post("/v1/jobs", json=job_with(place, long(ALLOWED, MAX_URL + 1)))
    problem = response.json or {}
    assert (response.status_code, problem["pointer"]) == (422, place)
    assert f"{MAX_URL:,}" in problem["detail"]
    assert len(response.text) < 3 * MOST_SHOWN


def test_webhooks_of_ndjson_and_tests_of_webhooks_take_them_too(client: FlaskClient) -> None:
    url = long(ALLOWED)
    headers = {"Webhook-Url": url, "Content-Type": NDJSON}
    assert accepted(client.post("/v1/batches", data=ndjson(PAIR), headers=headers))["total"] == 1
    assert accepted(client.post("/v1/webhooks/test", json={"url": url}))["url"] == url


@pytest.mark.parametrize(
    "beginning",
    [
        "https://localhost/",
        "https://photos." + "a." * 4000,
        "https://" + "a." * 100 + "localhost/",
        "https://[v1.",
        "https://user:canary@example.org/",
        "http://example.org/canary?token=canary",
        "https://example.org:99999/?sig=canary",
        "s3://another-bucket/canary",
        "s3://" + "b" * 4000 + "/",
        "s3://stylequeue/uploads/someone-else/",
        "s3://",
        "ftp://example.org/?sig=canary",
    ],
)
@pytest.mark.parametrize("place", ["/content/url", "/webhook/url"])
def test_no_refusal_and_no_log_line_repeats_a_url(
    client: FlaskClient, capfd: pytest.CaptureFixture[str], beginning: str, place: str
) -> None:
    job = job_with(place, long(beginning))
    response = client.post("/v1/jobs", json=job)
    assert response.status_code in {403, 422}
    assert len((response.json or {})["detail"]) <= MOST_SHOWN
    batch = post_lines(client, job, PAIR).json or {}
    (rejected,) = batch["rejected_lines"]
    assert len(rejected["detail"]) <= MOST_SHOWN
    logged = capfd.readouterr().out
    for text in (response.text, str(rejected), logged):
        assert "canary" not in text
        assert "x" * MOST_SHOWN not in text
