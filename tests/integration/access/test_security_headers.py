"""Security headers for browsers, and requests from other sites' pages: the API in this process."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.access import make_key
from tests.stacks.service import PAIR

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/job_0", "/v1/nothing", "/healthz", "/docs/swagger"])
def test_every_answer_good_or_bad_has_them(app: Flask, path: str) -> None:
    response = app.test_client().get(path)
    assert {name: response.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; frame-ancestors 'none'")
    if not path.startswith("/docs"):
        assert "script-src" not in policy


def test_private_responses_are_kept_by_no_shared_cache(app: Flask) -> None:
    client = app.test_client()
    job = client.post("/v1/jobs", json=PAIR).json or {}
    make_key(app, "anna")
    for path in ("/v1/jobs", job["links"]["self"], "/v1/batches", "/v1/jobs/job_0", "/v1/nothing"):
        kept = client.get(path).headers["Cache-Control"]
        assert "private" in kept or "no-store" in kept, path


def test_the_pages_own_scripts_run_and_no_others(app: Flask) -> None:
    page = app.test_client().get("/docs/swagger")
    policy = page.headers["Content-Security-Policy"]
    scripts = policy.partition("script-src")[2]
    assert len(re.findall("'sha256-[^']+'", scripts)) == page.text.count("<script>") > 0
    assert "unsafe" not in scripts
    assert "http" not in policy
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


def test_other_sites_pages_read_nothing(app: Flask) -> None:
    foreign = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    client = app.test_client()
    for method in ("GET", "POST", "OPTIONS"):
        for path in ("/v1/jobs", "/healthz", "/openapi.json"):
            headers = client.open(path, method=method, headers=foreign).headers
            assert not [name for name, _ in headers if name.lower().startswith("access-control-")]
