"""Painting in a browser: files are dropped, sent, painted, compared, and painted again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from samples import content_paths, style_paths
from tests.stacks.servers import wait_until
from tests.stacks.service import PICTURE
from tests.system.pages.windows import drop, loaded, tab_to, window

SUBMIT, PHOTOS, STYLES = "#submit", "#photos li", "#styles"
CAT, COFFEE = (next(path for path in content_paths() if path.stem == name) for name in ("cat", "coffee"))
BATCH = re.compile(r"/batches/batch_[0-9a-f]{26}$")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A file that only begins like a JPEG, so only a worker notices that it cannot be decoded."""
    file = tmp_path / "broken.jpg"
    file.write_bytes(PICTURE)
    return file


def choose(page: Page, *photos: Path, style: str = "windy night") -> None:
    """Open the form, and choose photographs and a sample style."""
    page.goto("./")
    page.set_input_files("#photo-files", photos)
    page.get_by_label(style).check()


def submit(page: Page) -> str:
    """Submit the form and wait for the batch's end; return the path of the batch."""
    page.click(SUBMIT)
    page.wait_for_url(BATCH)
    expect(page.locator("#status")).to_have_text("completed")
    return page.url


def test_dropped_photographs_are_painted_compared_and_painted_again(page: Page) -> None:
    page.goto("./")
    drop(page, "#photo-drop", CAT, COFFEE)
    expect(page.locator(PHOTOS)).to_have_count(2)
    page.get_by_label("windy night").check()
    drop(page, "#style-drop", style_paths()[0])
    expect(page.locator(SUBMIT)).to_have_text("Paint 4 pictures")
    expect(page.locator("#sum")).to_have_text("2 photographs in 2 styles: 4 pictures")
    submit(page)
    expect(page.locator("#numbers")).to_have_text("4 of 4 finished")
    expect(page.locator(".tile.succeeded")).to_have_count(4)
    wait_until(lambda: loaded(page.locator(".tile img")), what="the pictures of the gallery")
    with page.expect_download() as archive:
        page.get_by_role("link", name="Download ZIP").click()
    assert archive.value.suggested_filename.endswith(".zip")

    page.locator(".tile a", has_text="cat--windy-night").click()
    expect(page.locator("h1")).to_have_text("cat--windy-night")
    wait_until(lambda: loaded(page.locator(".compare img")), what="the painting and the original")
    slider = page.get_by_role("slider")
    slider.press("Home")
    assert page.locator(".compare").evaluate("frame => frame.style.getPropertyValue('--cut')") == "0%"
    expect(page.locator("#facts")).to_contain_text("480\u00d7319")

    page.get_by_role("link", name="Paint again").click()
    expect(page.locator(PHOTOS)).to_have_count(1)
    expect(page.get_by_label("windy night")).to_be_checked()
    page.get_by_label("Preserve color").select_option("luminance")
    expect(page.locator(SUBMIT)).to_have_text("Paint 1 picture")
    submit(page)
    page.locator(".tile a").click()
    expect(page.locator("#facts")).to_contain_text("luminance")


def test_a_file_that_is_no_picture_is_refused_beside_its_name(
    chromium: Browser, site: str, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.jpg"
    notes.write_text("<html>")
    with window(chromium, base_url=site, refusals=("415",)) as page:
        page.goto("./")
        page.set_input_files("#photo-files", [notes])
        line = page.locator(PHOTOS, has_text="notes.jpg")
        expect(line.get_by_role("alert")).to_contain_text("only JPEG, PNG")
        expect(page.locator(SUBMIT)).to_be_disabled()
        line.get_by_role("button", name="Remove notes.jpg").click()
        expect(page.locator(PHOTOS)).to_have_count(0)


def test_a_setting_beyond_its_limit_is_refused_beside_its_field(page: Page) -> None:
    choose(page, CAT)
    page.get_by_label("Max side").fill("10")
    expect(page.locator("#params-max_side-error")).to_contain_text("from 64 to 16384")
    expect(page.locator(SUBMIT)).to_be_disabled()
    page.get_by_label("Max side").fill("128")
    expect(page.locator(SUBMIT)).to_be_enabled()
    page.get_by_label("Method").select_option("optimize")
    expect(page.get_by_label("Strength")).to_be_hidden()


def test_failures_are_grouped_by_code_and_retried(page: Page, broken: Path) -> None:
    choose(page, CAT, broken)
    batch = submit(page)
    row = page.locator("#failures tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("image-undecodable")
    results = batch.replace("/batches/", "/v1/batches/") + "/results?status=failed"

    def ends() -> int:
        return len(page.request.get(results).text().splitlines())

    assert ends() == 1
    page.get_by_role("button", name="Retry failed").click()
    wait_until(lambda: ends() == 2, 60, "the second end of the job that failed")
    expect(page.locator("#status")).to_have_text("completed")
    expect(page.locator(".tile.failed")).to_have_count(1)


def test_a_paused_lane_holds_a_batch_that_is_canceled(page: Page) -> None:
    page.goto("queue")
    page.get_by_role("button", name="pause the lane normal").click()
    expect(page.get_by_role("row", name="normal").locator(".pill")).to_have_text("paused")
    choose(page, CAT)
    page.click(SUBMIT)
    page.wait_for_url(BATCH)
    expect(page.locator("#speed")).to_contain_text("paused")
    expect(page.locator(".tile.waiting")).to_have_count(1)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status")).to_have_text("canceled")
    page.goto("queue")
    page.get_by_role("button", name="resume the lane normal").click()
    expect(page.get_by_role("button", name="pause the lane normal")).to_be_visible()


def test_a_batch_is_deleted_once_somebody_has_confirmed_it(page: Page) -> None:
    choose(page, CAT)
    batch = submit(page)
    wait_until(lambda: loaded(page.locator(".tile img")), what="the picture, which is gone afterwards")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    assert page.url == batch
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/batches")
    assert page.request.get(batch.replace("/batches/", "/v1/batches/")).status == 404


def test_a_picture_is_painted_with_the_keyboard_alone(page: Page) -> None:
    page.goto("./")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Add the sample photograph cat"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("stained glass"))
    page.keyboard.press("Space")
    expect(page.locator(SUBMIT)).to_be_enabled()
    tab_to(page, page.locator(SUBMIT))
    page.keyboard.press("Enter")
    page.wait_for_url(BATCH)
    expect(page.locator("#status")).to_have_text("completed")
    expect(page.get_by_role("status")).to_have_text("1 of 1 pictures finished")
    tab_to(page, page.locator(".tile a"))
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible()
    tab_to(page, slider)
    page.keyboard.press("End")
    assert slider.input_value() == "100"
