"""Galleries show thumbnails; pictures are chosen by mouse and keyboard, and come as one ZIP."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from samples import style_paths
from tests.files.pictures import photo, saved
from tests.stacks.servers import wait_until
from tests.system.pages.windows import loaded, tab_to, window

PHONE = {"width": 360, "height": 740}
LONGEST = 700  # pixels, enough for a thumbnail
NAMES = ("large", "small", "third")


@pytest.fixture(scope="module")
def batch(chromium: Browser, site: str) -> str:
    """The path of a batch with a large picture, a small one, and a third."""
    with chromium.new_context(base_url=site) as context:
        ask = context.request

        def send(body: bytes) -> dict[str, str]:
            answer = ask.post("v1/uploads", data=body, headers={"Content-Type": "image/jpeg"})
            return {"upload_id": answer.json()["upload_id"]}

        large, small = (send(saved(photo(side, side // 2), "JPEG")) for side in (LONGEST, 64))
        contents = dict(zip(NAMES, (large, small, small), strict=True))
        jobs: list[dict[str, Any]] = [{"content": contents[name], "custom_id": name} for name in NAMES]
        style = send(style_paths()[0].read_bytes())
        made = ask.post("v1/batches", data={"jobs": jobs, "defaults": {"style": style}}).json()
        wait_until(lambda: ask.get(f"v1/batches/{made['id']}").json()["finished_at"], 120, "the batch's end")
    return f"batches/{made['id']}"


def names_in(page: Page, folder: Path) -> list[str]:
    """Download the ZIP of the chosen pictures; return the names in it."""
    with page.expect_download() as download:
        page.locator("#choice-zip").click()
    assert download.value.suggested_filename == "pictures.zip"
    download.value.save_as(folder / "pictures.zip")
    with zipfile.ZipFile(folder / "pictures.zip") as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_tiles_show_thumbnails_and_the_results_of_small_pictures(page: Page, batch: str) -> None:
    page.goto(batch)
    images = page.locator(".tile img")
    expect(images).to_have_count(len(NAMES))
    wait_until(lambda: loaded(images), what="the thumbnails")
    sizes = {}
    for name in ("large", "small"):
        image = page.locator(".tile", has_text=name).locator("img")
        natural = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert natural == [int(str(image.get_attribute(side))) for side in ("width", "height")]
        assert image.get_attribute("loading") == "lazy"
        sizes[name] = natural
    assert sizes == {"large": [LONGEST // 2, LONGEST // 4], "small": [64, 32]}


def test_chosen_pictures_of_a_batch_come_as_one_zip_on_a_phone(
    chromium: Browser, site: str, batch: str, tmp_path: Path
) -> None:
    with window(chromium, base_url=site, viewport=PHONE) as page:
        page.goto(batch)
        expect(page.locator(".choose input")).to_have_count(len(NAMES))
        expect(page.get_by_label("Choose large")).to_be_hidden()
        page.get_by_role("button", name="Select").click()
        for name in ("large", "third"):
            page.locator(".tile", has_text=name).locator(".choose").click()
        expect(page.locator("#choice-count")).to_have_text("2 chosen")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        faults = Axe().run(page).response["violations"]
        assert [fault["id"] for fault in faults if fault["impact"] in {"serious", "critical"}] == []
        assert sorted(names_in(page, tmp_path)) == ["large.jpg", "manifest.json", "third.jpg"]
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#choice-count")).to_have_text("0 chosen")
        assert page.locator("#choice-zip").get_attribute("href") is None
        page.get_by_role("button", name="Done").click()
        expect(page.locator("#choice")).to_be_hidden()


def test_pictures_are_chosen_with_the_keyboard_alone(page: Page, batch: str, tmp_path: Path) -> None:
    page.goto("pictures")
    page.get_by_label("Search").fill("small")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(1)
    tab_to(page, page.get_by_role("button", name="Select"))
    page.keyboard.press("Space")
    box = page.get_by_label("Choose small")
    tab_to(page, box)
    page.keyboard.press("Space")
    expect(page.locator("#choice-count")).to_have_text("1 chosen")
    page.keyboard.press("Escape")
    expect(page.locator("#choice-zip")).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "pictures.zip"
    tab_to(page, page.get_by_role("button", name="Done"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Select")).to_be_focused()


def test_one_picture_is_downloaded_under_its_name(page: Page, batch: str) -> None:
    page.goto(batch)
    page.locator(".tile a", has_text="large").click()
    expect(page.locator("h1")).to_have_text("large")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "large.jpg"
