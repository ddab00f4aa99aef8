"""The pages behind nginx, which ends TLS before the API and S3 and removes a prefix."""

from __future__ import annotations

from pathlib import Path

import redis
from playwright.sync_api import Browser, expect

from samples import content_paths
from shared.ids import job_id_of_line
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from tests.stacks.certificates import make_certificate
from tests.stacks.gunicorn import running_api
from tests.stacks.ports import free_port
from tests.stacks.servers import wait_until
from tests.stacks.service import paint
from tests.system.hosts.nginx import running_nginx
from tests.system.pages.windows import loaded, window


def test_pages_sign_in_and_uploads_work_below_the_prefix(
    chromium: Browser, s3_settings: Settings, redis_url: str, connection: redis.Redis, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    public, public_s3 = f"https://localhost:{free_port()}/paint", f"https://localhost:{free_port()}"
    behind = {"public_url": public, "s3_public_endpoint_url": public_s3}
    settings = s3_settings.model_copy(update={"redis_url": redis_url, **behind})
    key, _ = KeyStore(connection).create("anna")
    with (
        running_api(settings, tmp_path / "api.log") as api_url,
        running_nginx(tmp_path, public, api_url, certificate, (public_s3, str(s3_settings.s3_endpoint_url))),
        window(chromium, base_url=f"{public}/", refusals=("401",), ignore_https_errors=True) as page,
    ):
        page.goto("batches")
        page.wait_for_url(f"{public}/sign-in?next=*")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{public}/batches")
        (cookie,) = page.context.cookies()
        assert (cookie["secure"], cookie["path"]) == (True, "/paint")
        page.get_by_role("link", name="Operate").click()
        page.get_by_role("link", name="Audit").click()
        page.wait_for_url(f"{public}/operate/audit")
        expect(page.locator("#found tr")).to_contain_text("signed in")
        page.get_by_role("link", name="Paint", exact=True).click()
        page.wait_for_url(f"{public}/")
        page.set_input_files("#photo-files", content_paths())
        page.get_by_label("facets").check()
        expect(page.locator("#submit")).to_have_text(f"Paint {len(content_paths())} pictures")
        expect(page.locator("#submit")).to_be_enabled()
        page.locator("#submit").click()
        page.wait_for_url(f"{public}/batches/batch_*")
        expect(page.locator("#numbers")).to_contain_text("0 of 4")
        for link in page.get_by_role("link").all():
            assert link.evaluate("link => link.href").startswith(f"{public}/")
        store, storage, batch_id = JobStore(connection), Storage(settings), page.url.rpartition("/")[2]
        for line, photo in enumerate(content_paths(), start=1):
            paint(store, storage, job_id_of_line(batch_id, line), photo.read_bytes())
        expect(page.locator("#numbers")).to_contain_text("4 of 4")
        wait_until(lambda: loaded(page.locator(".tile img")), what="the pictures, through nginx from S3")
