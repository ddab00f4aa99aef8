"""The page of owners: what each has and took, and limits that an admin sets."""

from __future__ import annotations

import redis
from playwright.sync_api import Browser, expect

from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from shared.wire.operations.api_key import Scope
from tests.jobs import RESULT, create, succeed
from tests.system.pages.windows import window


def test_an_admin_sees_owners_and_sets_a_limit(
    chromium: Browser, api: str, connection: redis.Redis, store: JobStore
) -> None:
    key, _ = KeyStore(connection).create("root", Scope.ADMIN)
    done = create(store, "anna")
    create(store, "anna")
    succeed(store, done)
    with window(chromium, base_url=api, extra_http_headers={"Authorization": f"Bearer {key}"}) as page:
        page.goto("operate/jobs")
        page.get_by_role("link", name="Owners").click()
        anna = page.locator("#rows tr", has_text="anna")
        expect(anna.locator("td").nth(0)).to_have_text("1 of 100,000")
        expect(anna.locator("td").nth(2)).to_have_text("1")
        expect(anna).to_contain_text(f"{RESULT.bytes} B of")
        page.get_by_role("button", name="30 days").click()
        expect(anna.locator("td").nth(2)).to_have_text("1")
        page.get_by_role("button", name="Limits of anna").click()
        page.get_by_label("Most running jobs").fill("3")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(anna.locator("td").nth(1)).to_have_text("0 of 3")
        page.get_by_role("button", name="Limits of anna").click()
        expect(page.get_by_label("Most running jobs")).to_have_value("3")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_others_are_told_that_it_is_for_admins(chromium: Browser, api: str, connection: redis.Redis) -> None:
    key, _ = KeyStore(connection).create("anna")
    with window(chromium, base_url=api, extra_http_headers={"Authorization": f"Bearer {key}"}) as page:
        page.goto("owners")
        expect(page.get_by_text("This page is for operators")).to_be_visible()
        expect(page.locator("#owners")).to_have_count(0)
