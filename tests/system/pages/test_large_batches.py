"""A batch's page with more pictures than a tab should hold, and the change of its lane."""

from __future__ import annotations

import pytest
import redis
from playwright.sync_api import Browser, expect

from shared.store.batches import BatchStore
from shared.wire.descriptors import Lane
from tests.jobs import accept_batch, bulk, in_line, job_ids
from tests.stacks.servers import wait_until
from tests.system.pages.windows import window

OWNER = "anonymous"
JOBS, MOST_TILES = 900, 400


@pytest.fixture
def batches(connection: redis.Redis, api: str) -> BatchStore:
    return BatchStore(connection)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_gallery_holds_only_what_is_near_and_shows_all(
    chromium: Browser, api: str, batches: BatchStore, width: int
) -> None:
    batch_id = accept_batch(batches, bulk(JOBS), OWNER)
    batches.cancel(batch_id, OWNER)
    with window(chromium, base_url=api, viewport={"width": width, "height": 900}) as page:
        page.goto(f"batches/{batch_id}")
        tiles = page.locator("#gallery .tile")
        expect(tiles.first).to_contain_text("line 1")
        held = list[int]()

        def at_the_end() -> bool:
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            held.append(tiles.count())
            return page.get_by_text(f"line {JOBS}", exact=True).count() == 1

        wait_until(at_the_end, what="the last job")
        assert max(held) <= MOST_TILES
        height = page.evaluate("document.body.scrollHeight")
        shelves = page.locator("#gallery ul")
        assert shelves.first.locator("li").count() == 0
        page.evaluate("scrollTo(0, 0)")
        expect(page.get_by_text("line 1", exact=True)).to_be_visible()
        wait_until(lambda: shelves.first.locator("li").count() == 60, what="the first page again")
        assert page.evaluate("document.body.scrollHeight") == pytest.approx(height, rel=0.02)
        assert tiles.count() <= MOST_TILES


def test_the_waiting_jobs_of_a_batch_are_moved_to_another_lane(
    chromium: Browser, api: str, batches: BatchStore, connection: redis.Redis
) -> None:
    batch_id = accept_batch(batches, bulk(3), OWNER)
    with window(chromium, base_url=api) as page:
        page.goto(f"batches/{batch_id}")
        page.get_by_label("Move 3 waiting jobs to the lane").select_option("high")
        page.get_by_role("button", name="Move", exact=True).click()
        expect(page.locator("#live")).to_contain_text("have gone to the lane high")
        assert in_line(connection, Lane.HIGH) == job_ids(batch_id, 3)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#lane-choice")).to_be_hidden()
