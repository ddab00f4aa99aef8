"""The pages as HTTP: who gets them, what they hold, and that nothing in them leads elsewhere."""

from __future__ import annotations

import gzip
import posixpath
import re
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from tests.access import make_key
from tests.stacks.service import assert_problem, started

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ("/", "/pictures", "/batches", "/batches/batch_0", "/jobs/job_0", "/queue", "/owners", "/sign-in")
PREFIX = "https://api.example/paint"


def links(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]*)"', page)


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_gets_the_page_without_a_key_and_with_nobodys_data(app: Flask, path: str) -> None:
    make_key(app, "anna")
    response = app.test_client().get(path, headers=BROWSER)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert response.headers["Vary"] == "Accept"
    assert "anna" not in response.text


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/html;q=0.5"])
def test_a_program_gets_links_to_everything(app: Flask, accept: str) -> None:
    client = app.test_client()
    response = client.get("/", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, "application/json")
    for link in (response.json or {})["links"].values():
        assert client.get(link, buffered=True).status_code in {200, 405, 503}, link
    for path in PAGES[1:]:
        assert_problem(client.get(path, headers={"Accept": accept}), 404, "not-found")


@pytest.mark.parametrize("path", PAGES)
def test_everything_in_a_page_is_local_and_works_below_a_prefix(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=BROWSER).text
    found = links(page)
    assert len(found) > 8
    assert not [link for link in found if link.startswith(("/", "http:", "https:", "data:"))]
    for link in {link.partition("#")[0] for link in found}:
        absolute = urljoin(f"{PREFIX}{path}", link)
        assert absolute.startswith(f"{PREFIX}/")
        answer = client.get(absolute.removeprefix(PREFIX), headers=BROWSER, follow_redirects=True)
        assert answer.status_code == 200, link


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_scripts_or_styles(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=BROWSER).text
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son[a-z]+=|javascript:", page)


def test_the_policy_allows_this_service_and_pictures_from_the_storage(
    client: FlaskClient, settings: Settings
) -> None:
    (policy,) = client.get("/", headers=BROWSER).headers.getlist("Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (rules["default-src"], rules["frame-ancestors"]) == ("'none'", "'none'")
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["img-src"].split() == ["'self'", "blob:", settings.s3_endpoint_url]
    assert "unsafe" not in policy


def test_the_policy_names_the_buckets_into_which_pictures_are_written(app: Flask, settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={
            "s3_endpoint_url": "https://s3.example",
            "s3_addressing": "virtual",
            "s3_output_buckets": ("anna:annas-bucket", "customers"),
        }
    )
    client = started(app, elsewhere, Storage(elsewhere))
    policy = client.get("/", headers=BROWSER).headers["Content-Security-Policy"]
    for bucket in (settings.s3_bucket, "annas-bucket", "customers"):
        assert f"https://{bucket}.s3.example" in policy


def test_files_are_kept_for_ever_under_a_name_that_changes_with_them(client: FlaskClient) -> None:
    page = client.get("/", headers=BROWSER).text
    (script,) = re.findall(r'src="\./(assets/[0-9a-f]{16}/paint/paint\.js)"', page)
    kept = client.get(f"/{script}", headers={"Accept-Encoding": "gzip"})
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert kept.mimetype == "text/javascript"
    plain = client.get(f"/{script}")
    assert gzip.decompress(kept.data) == plain.data
    other = client.get("/assets/0000000000000000/paint/paint.js")
    assert (other.headers["Cache-Control"], other.data) == ("no-store", plain.data)


@pytest.mark.parametrize(
    "name", ["nothing.js", "../views.py", "..%2fviews.py", "samples/style/", "/etc/passwd"]
)
def test_other_files_are_not_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/assets/0000000000000000/{name}").status_code in {404, 308}


def test_what_a_path_names_is_text_in_the_page(client: FlaskClient) -> None:
    page = client.get('/jobs/"><script>alert(1)<%2fscript>', headers=BROWSER).text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page or "%2f" not in page


def test_scripts_import_only_what_is_there(client: FlaskClient) -> None:
    page = client.get("/", headers=BROWSER).text
    (folder,) = set(re.findall(r"assets/[0-9a-f]{16}/", page))
    seen, rest = (
        set(),
        {
            link.partition(folder)[2]
            for path in PAGES
            for link in links(client.get(path, headers=BROWSER).text)
            if link.endswith(".js")
        },
    )
    while rest:
        name = rest.pop()
        seen.add(name)
        script = client.get(f"/{folder}{name}")
        assert script.status_code == 200, name
        modules = re.findall(r'(?:from|^import) "(\.\.?/[a-z/-]+\.js)"', script.text, re.MULTILINE)
        imported = {
            posixpath.normpath(f"{posixpath.dirname(name)}/{module}".lstrip("/")) for module in modules
        }
        assert len(imported) == len(re.findall(r"^import ", script.text, re.MULTILINE)), name
        rest |= imported - seen
        assert "innerHTML" not in script.text
    assert len(seen) > 12
