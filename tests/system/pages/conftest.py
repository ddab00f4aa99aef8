"""A real Chromium, and the whole service or its API for it to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from local.stack import LocalStack
from shared.settings import Settings
from tests.stacks.gunicorn import running_api
from tests.system.pages.windows import window
from tests.system.programs import program

CHROMIUM = ("--no-sandbox", "--disable-dev-shm-usage")  # CI is root, and has little shared memory


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program("chromium", "chromium"), args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[str]:
    """The URL of the whole service, with one worker and without keys."""
    environment = {"STYLEQUEUE_CACHE_DIR": str(model_cache)}
    with LocalStack(tmp_path_factory.mktemp("site"), workers=1, environment=environment) as stack:
        yield f"{stack.url}/"


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    with window(chromium, base_url=site) as page:
        yield page


@pytest.fixture
def api(redis_url: str, s3_settings: Settings, connection: redis.Redis, tmp_path: Path) -> Iterator[str]:
    """The URL of an API without workers, whose keys the test makes."""
    settings = s3_settings.model_copy(update={"redis_url": redis_url})
    with running_api(settings, tmp_path / "api.log") as url:
        yield f"{url}/"
