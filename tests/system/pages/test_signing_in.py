"""Keys and sessions in a browser: signing in and out, viewers, revocation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from shared.store.api_keys import KeyStore
from shared.wire.operations.api_key import Scope, id_in
from tests.system.pages.windows import window


@pytest.fixture
def keys(connection: redis.Redis, api: str) -> KeyStore:
    store = KeyStore(connection)
    store.create("root", Scope.ADMIN)  # so there is a key whatever the test revokes
    return store


@pytest.fixture
def page(chromium: Browser, api: str) -> Iterator[Page]:
    with window(chromium, base_url=api, refusals=("401",)) as page:
        yield page


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_a_key_lets_in_where_one_wanted_to_go_and_signing_out_ends_it(page: Page, keys: KeyStore) -> None:
    key, _ = keys.create("anna")
    page.goto("pictures?x=1")
    page.wait_for_url("**/sign-in?next=*")
    sign_in(page, "sq_wrong")
    expect(page.locator("#key-error")).to_contain_text("There is no such API key")
    expect(page.get_by_label("API key")).to_be_focused()
    sign_in(page, key)
    page.wait_for_url("**/pictures?x=1")
    expect(page.locator("#who")).to_have_text("anna")
    expect(page.get_by_text("No picture here yet")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.context.cookies() == []
    page.goto("batches")
    page.wait_for_url("**/sign-in?next=*")


def test_after_signing_in_nobody_is_led_to_another_site(page: Page, keys: KeyStore, api: str) -> None:
    key, _ = keys.create("anna")
    for place in ("https://page.example/", "//page.example/", "javascript:alert(1)", "/sign-in"):
        page.goto(f"sign-in?next={place}")
        sign_in(page, key)
        page.wait_for_url(api)


def test_a_revoked_key_ends_the_session_of_an_open_page(page: Page, keys: KeyStore) -> None:
    key, _ = keys.create("anna")
    page.goto("sign-in?next=/queue")
    sign_in(page, key)
    page.wait_for_url("**/queue")
    expect(page.locator("#lanes tr")).to_have_count(4)
    key_id = id_in(key)
    assert key_id
    keys.revoke(key_id)
    page.wait_for_url("**/sign-in?next=*")


def test_a_viewer_is_offered_nothing_that_changes_something(page: Page, keys: KeyStore) -> None:
    key, _ = keys.create("anna", Scope.VIEWER)
    page.goto("sign-in")
    sign_in(page, key)
    expect(page.locator("#who")).to_have_text("anna (viewer)")
    expect(page.locator("#sum")).to_have_text("This key only reads")
    page.goto("queue")
    expect(page.locator("#lanes tr")).to_have_count(4)
    assert page.locator("main button").count() == 0
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
