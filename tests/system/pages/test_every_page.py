"""Every page for everybody: on a phone, in the dark, and to a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from samples import content_paths, style_paths
from shared.wire.records import JobStatus
from tests.stacks.servers import wait_until
from tests.system.pages.windows import loaded, window

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def records(chromium: Browser, site: str) -> dict[str, str]:
    """A batch with two pictures and a failed job; the paths of the pages that show it."""
    with chromium.new_context(base_url=site) as context:
        ask = context.request
        photo, style = (send(ask, paths[0]) for paths in (content_paths(), style_paths()))
        bad = {"url": "https://127.0.0.1.invalid/a.jpg"}
        jobs: list[dict[str, Any]] = [{"content": content, "style": style} for content in (photo, photo, bad)]
        defaults = {"params": {"max_side": 128}, "max_attempts": 1}
        batch = ask.post("v1/batches", data={"jobs": jobs, "defaults": defaults}).json()
        wait_until(lambda: ask.get(f"v1/batches/{batch['id']}").json()["finished_at"], 90, "the batch's end")
        found = ask.get(f"v1/batches/{batch['id']}/jobs").json()["jobs"]
    by_status = {job["status"]: job["id"] for job in found}
    return {
        "batch": f"batches/{batch['id']}",
        "job": f"jobs/{by_status[JobStatus.SUCCEEDED]}",
        "failed job": f"jobs/{by_status[JobStatus.FAILED]}",
        "again": f"?again={by_status[JobStatus.SUCCEEDED]}",
    }


def send(ask: Any, path: Path) -> dict[str, str]:
    answer = ask.post("v1/uploads", data=path.read_bytes(), headers={"Content-Type": "image/jpeg"})
    return {"upload_id": answer.json()["upload_id"]}


PAGES = ("", "pictures", "batches", "queue", "owners", "sign-in", "batch", "job", "failed job", "again")


def show(page: Page, path: str) -> None:
    page.goto(path or "./")
    expect(page.locator("h1")).to_have_count(1)
    page.wait_for_load_state("networkidle") if path != "queue" else expect(
        page.locator("#lanes tr")
    ).to_have_count(4)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_a_phone(
    chromium: Browser, site: str, records: dict[str, str], name: str, scheme: str
) -> None:
    path = records.get(name, name)
    refused = ("409",) if name == "failed job" else ()
    for size in (PHONE, DESK):
        with window(chromium, base_url=site, viewport=size, color_scheme=scheme, refusals=refused) as page:
            show(page, path)
            for details in page.locator("details").all():
                details.evaluate("element => element.open = true")
            found = Axe().run(page).response["violations"]
            serious = [
                f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found if fault["impact"] in SERIOUS
            ]
            assert serious == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pictures_that_are_far_away_are_let_go(chromium: Browser, site: str, records: dict[str, str]) -> None:
    with window(chromium, base_url=site, viewport=PHONE) as page:
        page.goto("pictures")
        wait_until(lambda: loaded(page.locator(".tile img")), what="the pictures")
        page.locator("#gallery").evaluate("gallery => (gallery.style.paddingBottom = '9000px')")
        page.evaluate("scrollTo(0, 8000)")
        wait_until(lambda: page.locator(".tile img[src]").count() == 0, what="no picture in memory")
        page.evaluate("scrollTo(0, 0)")
        wait_until(lambda: loaded(page.locator(".tile img")), what="the pictures again")
