"""A window of a real Chromium in which nothing may go wrong unseen."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

LOCAL = {"127.0.0.1", "localhost"}
DEADLINE_MS = 90_000
MOST_TABS = 80
DROP = """
([place, files]) => {
  const carried = new DataTransfer();
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    carried.items.add(new File([bytes], name, {type}));
  }
  document.querySelector(place).dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true}));
}
"""


@contextmanager
def window(chromium: Browser, *, refusals: Sequence[str] = (), **options: Any) -> Iterator[Page]:
    """Yield a page; at the end assert that there was no error, and no request to another host.

    `refusals` are the statuses that the browser may report of the service, such as "401".
    """
    wrong: list[str] = []
    with chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}) as context:
        page = context.new_page()
        page.set_default_timeout(DEADLINE_MS)

        def note(message: ConsoleMessage) -> None:
            expected = any(f"status of {status}" in message.text for status in refusals)
            if message.type in {"error", "warning"} and not expected:
                wrong.append(f"{page.url}: {message.text}")

        def check(request: Request) -> None:
            url = urlsplit(request.url)
            if url.scheme not in {"blob", "data"} and url.hostname not in LOCAL:
                wrong.append(f"{page.url}: a request to {request.url}")

        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("request", check)
        yield page
    assert not wrong, wrong


def drop(page: Page, place: str, *paths: Path) -> None:
    """Drop files on an element, as a person would from another window."""
    files = [(path.name, "image/jpeg", base64.b64encode(path.read_bytes()).decode()) for path in paths]
    page.evaluate(DROP, [place, files])


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_TABS} times Tab do not lead to {wanted}")


def loaded(images: Locator) -> bool:
    """Return whether there is a picture, and all of them are shown."""
    shown = "images => images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0)"
    return bool(images.evaluate_all(shown))
