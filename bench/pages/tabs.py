"""Tabs of a Chromium that show a batch, and what they take."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-dev-shm-usage")  # as in the tests
SIZE = {"width": 1280, "height": 900}
LONGEST_MS = 600_000
POLL_SECONDS = 0.01
GIVEN_BACK_SECONDS = 5
SHOWN = """
() => {
  const inWindow = (tile) => tile.getBoundingClientRect().top < innerHeight;
  const seen = [...document.querySelectorAll("#gallery .tile img")].filter(inWindow);
  return seen.length > 4 && seen.every((image) => image.complete && image.naturalWidth > 0);
}
"""
SCROLL = """
async (last) => {
  const names = () => [...document.querySelectorAll("#gallery ul:last-of-type .caption span:first-child")];
  while (!names().some((name) => name.textContent === last)) {
    scrollTo(0, document.body.scrollHeight);
    await new Promise((done) => setTimeout(done, 20));
  }
}
"""


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def seconds_to_first_page(browser: Browser, url: str) -> float:
    """Return the time from the address to the pictures of the window, in a browser without a cache."""
    with browser.new_context(viewport=SIZE) as context:
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(url)
        _wait_for_pictures(page)
        return time.perf_counter() - begin


def _wait_for_pictures(page: Page) -> None:
    while not page.evaluate(SHOWN):
        time.sleep(POLL_SECONDS)


def scrolled_through(page: Page, url: str, last: str) -> float:
    """Scroll to the job of this name; return the seconds that it took."""
    page.set_default_timeout(LONGEST_MS)
    begin = time.perf_counter()
    page.goto(url)
    page.evaluate(SCROLL, last)
    return time.perf_counter() - begin


def empty_caches(page: Page) -> None:
    """Let the browser give back what it only keeps for later, as it does when memory is short."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Memory.simulatePressureNotification", {"level": "critical"})
    time.sleep(GIVEN_BACK_SECONDS)


def tab_megabytes(browser: Browser) -> float:
    """Return the memory of the largest tab: what it has alone, and its part of what it shares."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_megabytes(each["id"]) for each in found if each["type"] == "renderer")


def _megabytes(process: int) -> float:
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text("utf-8").splitlines()
    (kilobytes,) = [line.split()[1] for line in rollup if line.startswith("Pss:")]
    return int(kilobytes) / 1000


@contextmanager
def open_tabs(browser: Browser, urls: Sequence[str], settle_seconds: float) -> Iterator[None]:
    """Keep tabs open during the block, as of different people: a browser has six connections to a server."""
    with ExitStack() as contexts:
        for url in urls:
            page = contexts.enter_context(browser.new_context(viewport=SIZE)).new_page()
            page.goto(url)
            _wait_for_pictures(page)
        time.sleep(settle_seconds)
        yield
