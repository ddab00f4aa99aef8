"""The queue's page for an operator: charts of the hour and the day, lanes that pause, workers that drain."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from shared.store.counts.series import SPANS
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from shared.wire.operations.stats_records import Window
from shared.wire.records import EngineState
from tests.jobs import create, now_ms, worker_info
from tests.stacks.servers import wait_until
from tests.system.pages.windows import window

GPU = EngineState(
    waiting=2,
    gpu="NVIDIA H200",
    gpu_memory_used_bytes=8_700_000_000,
    gpu_memory_total_bytes=141_000_000_000,
    gpu_utilization=0.14,
)
HIDE = "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden}); \
document.dispatchEvent(new Event('visibilitychange')) }"


@pytest.fixture
def workers(connection: redis.Redis, api: str) -> WorkerRegistry:
    """A registry with one worker, beside series of an hour and a day with a gap, and jobs that wait."""
    for window_, (span, number) in SPANS.items():
        for index in range(number - 1):
            if index in range(20, 30):
                continue
            point = {"at": now_ms(connection) - (number - 2 - index) * span, "oldest": 1000 * index}
            ends = {"succeeded": 60 * index, "failed": 2 * index, "canceled": 0, "expired": 0}
            stage = {
                "queue": str(9_000_000 * index),
                "fetch": str(600_000 * index),
                "model": str(4_500_000 * index),
            }
            timed = dict.fromkeys(stage, str(60 * index))
            ends |= {"queued": 10 * index + (window_ is Window.DAY), "running": 4}
            place = point["at"] // span % number
            connection.hset(
                f"sq:series:{window_}",
                str(place),
                json.dumps(point | ends | {"stage": stage, "timed": timed}),
            )
    registry = WorkerRegistry(connection)
    registry.announce(worker_info("box-7-a1b2c3", device="gpu:0", engine=GPU))
    create(JobStore(connection))
    return registry


@pytest.fixture
def page(chromium: Browser, api: str, workers: WorkerRegistry) -> Iterator[Page]:
    with window(chromium, base_url=api) as page:
        page.goto("queue")
        yield page


def test_charts_show_the_hour_and_the_day_with_their_values_as_tables(page: Page) -> None:
    charts = page.locator("#charts figure")
    expect(charts).to_have_count(7)
    waiting = page.get_by_role("img", name="Waiting jobs, last hour: now 590; between 10 and 590")
    expect(waiting).to_be_visible()
    expect(
        page.get_by_role("img", name="Mean time of each stage, last hour: now fetch 10 ms, model 75 ms")
    ).to_be_visible()
    expect(page.get_by_role("img", name="Mean wait in the queue, last hour: now 150 ms")).to_be_visible()
    line = waiting.locator("path").get_attribute("d") or ""
    assert line.count("M") == 2, "the gap is no line"
    page.get_by_role("button", name="Day").click()
    expect(
        page.get_by_role("img", name="Waiting jobs, last day: now 951; between 11 and 951")
    ).to_be_visible()
    charts.first.get_by_text("Values").click()
    rows = charts.first.locator("tbody tr")
    expect(rows.first).to_contain_text("951")
    assert rows.count() > 80
    assert [fault for fault in Axe().run(page).response["violations"] if fault["impact"] == "serious"] == []


def test_the_pointer_reads_a_value_of_a_chart(page: Page) -> None:
    waiting = page.locator("#charts figure").first
    expect(waiting.locator(".now")).to_have_text("590")
    waiting.locator("svg").hover(position={"x": 2, "y": 20})
    expect(waiting.locator(".now")).to_contain_text(":")
    page.locator("h1").hover()
    expect(waiting.locator(".now")).to_have_text("590")


def test_an_operator_pauses_a_lane_and_drains_a_worker(
    page: Page, workers: WorkerRegistry, connection: redis.Redis
) -> None:
    worker = page.locator("#workers tbody tr")
    for expected in ("gpu:0, NVIDIA H200", "14 %", "8.7 GB of 141.0 GB", "0 of 4"):
        expect(worker).to_contain_text(expected)
    page.get_by_role("button", name="pause the lane bulk").click()
    expect(page.get_by_role("button", name="resume the lane bulk")).to_be_visible()
    assert Lanes(connection).paused() == {Lane.BULK}
    page.get_by_role("button", name="resume the lane bulk").click()
    expect(page.get_by_role("button", name="pause the lane bulk")).to_be_visible()
    assert Lanes(connection).paused() == set()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Drain the worker box-7-a1b2c3").click()
    expect(worker).to_contain_text("draining")
    assert workers.find("box-7-a1b2c3", 60).draining


def test_a_hidden_tab_asks_for_nothing(page: Page) -> None:
    asked: list[str] = []
    expect(page.locator("#charts figure")).to_have_count(7)
    page.clock.install()
    page.evaluate(HIDE, True)
    page.clock.run_for(5_000)  # a poll that was due goes out, and none behind it
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(600_000)
    assert asked == []
    page.evaluate(HIDE, False)
    wait_until(lambda: page.evaluate("1") and any("v1/stats" in url for url in asked), what="the charts anew")
