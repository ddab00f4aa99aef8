"""The pages for operators in a browser: bulk actions, keys, webhooks, the audit log, and who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from shared.settings import Settings
from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from shared.store.webhooks.deliveries import Deliveries, Outcome
from shared.wire.operations.api_key import Scope
from shared.wire.records import JobStatus
from shared.wire.webhook_records import Attempt, DeliveryStatus
from tests.jobs import create, fail
from tests.stacks.gunicorn import running_api
from tests.system.pages.windows import tab_to, window

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
HOOK = {"url": "https://hooks.example.org/in"}
TABS = ("jobs", "webhooks", "keys", "audit")
SignedIn = Callable[..., Page]


@pytest.fixture(scope="module")
def api(redis_url: str, s3_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an API without workers, for all tests of this file."""
    settings = s3_settings.model_copy(update={"redis_url": redis_url})
    with running_api(settings, tmp_path_factory.mktemp("api") / "api.log") as url:
        yield f"{url}/"


@pytest.fixture
def keys(connection: redis.Redis, api: str) -> KeyStore:
    return KeyStore(connection)


@pytest.fixture
def page(chromium: Browser, api: str) -> Iterator[Page]:
    with window(chromium, base_url=api, refusals=("401", "403", "422")) as page:
        yield page


@pytest.fixture
def signed_in(page: Page, keys: KeyStore) -> SignedIn:
    """Return a function that signs in with a new key and goes to a page."""

    def sign_in(path: str, owner: str = "root", scope: Scope = Scope.ADMIN) -> Page:
        return enter(page, keys.create(owner, scope)[0], path)

    return sign_in


def enter(page: Page, key: str, path: str) -> Page:
    page.goto("sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.endswith("sign-in"))
    page.goto(path)
    return page


def failed_jobs(store: JobStore, number: int, owner: str = "anna") -> list[str]:
    ids = [create(store, owner, tags=("sea",), custom_id=f"harbor-{index}") for index in range(number)]
    fail(store, *ids)
    return ids


def rows(page: Page) -> list[str]:
    return page.locator("#found th").all_inner_texts()


def test_all_that_match_are_counted_confirmed_and_retried_with_the_keyboard_alone(
    signed_in: SignedIn, store: JobStore
) -> None:
    failed, other = failed_jobs(store, 3), create(store, "anna", custom_id="dune")
    page = signed_in("operate/jobs")
    expect(page.locator("#found tr")).to_have_count(4)
    tab_to(page, page.get_by_role("link", name="Dead letters"))
    page.keyboard.press("Enter")
    expect(page.locator("#found tr")).to_have_count(3)
    tab_to(page, page.get_by_role("button", name="Retry all…"))
    page.keyboard.press("Enter")
    confirm = page.get_by_role("button", name="Retry 3 jobs")
    expect(confirm).to_be_focused()
    expect(page.locator("#dialog")).to_contain_text("Jobs of all owners with status failed")
    assert {store.get(each).status for each in failed} == {JobStatus.FAILED}
    page.keyboard.press("Enter")
    expect(page.locator("#dialog")).to_contain_text("3 of 3 jobs queued again")
    assert {store.get(each).status for each in (*failed, other)} == {JobStatus.QUEUED}
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_have_text("No job matches.")
    expect(page.locator("#bulk")).to_contain_text("Retry: 3 of 3 jobs queued again")


def test_a_bulk_action_that_was_left_is_continued_later(signed_in: SignedIn, store: JobStore) -> None:
    (job_id,) = failed_jobs(store, 1)
    page = signed_in("operate/jobs?tag=sea&text=HARBOR")
    expect(page.get_by_label("Tag")).to_have_value("sea")
    page.get_by_role("button", name="Delete all…").click()
    expect(page.get_by_role("button", name="Delete 1 job")).to_be_visible()
    expect(page.get_by_role("button", name="Do nothing")).to_be_focused()
    page.reload()
    page.get_by_role("button", name="Continue Delete").click()
    page.get_by_role("button", name="Delete 1 job").click()
    expect(page.locator("#dialog")).to_contain_text("1 of 1 job deleted")
    assert store.page("anna", limit=9).jobs == ()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Forget Delete").click()
    expect(page.locator("#bulk")).to_have_text("None.")
    assert job_id


def test_conditions_are_kept_in_the_address_and_selected_jobs_are_changed(
    signed_in: SignedIn, store: JobStore
) -> None:
    anna = [create(store, "anna", custom_id=f"dune-{index}") for index in range(3)]
    create(store, "bert", custom_id="cliff")
    page = signed_in("operate/jobs")
    expect(page.locator("#found tr")).to_have_count(4)
    page.get_by_label("Owner", exact=True).fill("anna")
    page.get_by_label("Status").select_option("queued")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#found tr")).to_have_count(3)
    page.reload()
    expect(page.locator("#found tr")).to_have_count(3)
    page.get_by_label("Select dune-0").check()
    page.get_by_label("Select dune-2").check()
    expect(page.locator("#selected")).to_have_text("2 jobs selected")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel selected").click()
    expect(page.locator("#found tr")).to_have_count(1)
    assert rows(page) == ["dune-1"]
    assert [store.get(each).status for each in anna] == ["canceled", "queued", "canceled"]


def test_a_viewer_is_offered_nothing_and_is_refused(signed_in: SignedIn, store: JobStore) -> None:
    (job_id,) = failed_jobs(store, 1)
    page = signed_in("pictures", "anna", Scope.VIEWER)
    expect(page.locator("#who")).to_have_text("anna (viewer)")
    expect(page.get_by_role("link", name="Operate")).to_be_hidden()
    for name in TABS:
        page.goto(f"operate/{name}")
        expect(page.locator("main .notice")).to_be_visible()
        assert page.locator("main :is(button, form, table, a:visible)").count() == 0
    for path in ("bulk-actions", "keys", f"jobs/{job_id}/retry", "dead-letters/replay"):
        refused = page.evaluate(f"fetch('/v1/{path}', {{method: 'POST'}}).then((answer) => answer.status)")
        assert refused == 403, path
    assert store.get(job_id).status is JobStatus.FAILED


def test_an_owner_operates_its_own_jobs_and_sees_no_keys(signed_in: SignedIn, store: JobStore) -> None:
    failed_jobs(store, 1), failed_jobs(store, 1, "bert")
    page = signed_in("operate/jobs", "anna", Scope.USER)
    expect(page.locator("#found tr")).to_have_count(1)
    expect(page.get_by_label("Owner", exact=True)).to_be_hidden()
    expect(page.get_by_role("link", name="Keys")).to_be_hidden()
    page.goto("operate/keys")
    expect(page.locator("main .notice")).to_have_text("This page is for operators, who have an admin key.")


def test_a_new_key_is_shown_once_and_ends_when_it_is_revoked(
    signed_in: SignedIn, keys: KeyStore, page: Page
) -> None:
    signed_in("operate/keys")
    page.get_by_label("Owner").fill("Anna!")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#new-error")).to_contain_text("An owner's name has 1 to 40 characters")
    page.get_by_label("Owner").fill("anna")
    page.get_by_label("Note").fill("laptop")
    page.get_by_label("high").uncheck()
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="The new user key of anna")).to_be_focused()
    key = keys.find(page.locator("#secret").input_value())
    assert key is not None
    assert (key.owner, key.scope, key.name, key.lanes) == (
        "anna",
        "user",
        "laptop",
        ("normal", "bulk", "optimize"),
    )
    assert key.expires_at is not None
    secret = page.locator("#secret").input_value()
    page.reload()
    expect(page.locator("#keys tr")).to_have_count(2)
    expect(page.locator("#made")).to_be_hidden()
    assert secret not in page.content()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Revoke the key {key.id} of anna").click()
    expect(page.locator("#keys tr")).to_have_count(1)
    assert keys.find(secret) is None


def test_revoking_the_key_that_one_uses_ends_the_session(signed_in: SignedIn, keys: KeyStore) -> None:
    keys.create("other", Scope.ADMIN)
    page = signed_in("operate/keys")
    (mine,) = keys.keys("root")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Revoke the key {mine.id}").click()
    expect(page.locator("#keys tr")).to_have_count(1)
    page.goto("operate/jobs")
    page.wait_for_url("**/sign-in?next=*")


def test_the_first_key_is_shown_although_it_closes_the_service(page: Page, keys: KeyStore) -> None:
    page.goto("operate/keys")
    expect(page.locator("#keys")).to_contain_text("No key yet")
    page.get_by_label("Owner").fill("root")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#first")).to_be_visible()
    found = keys.find(page.locator("#secret").input_value())
    assert found is not None
    assert found.scope is Scope.ADMIN


def test_failed_deliveries_are_found_read_and_sent_again(
    signed_in: SignedIn, store: JobStore, connection: redis.Redis
) -> None:
    deliveries = Deliveries(connection, 100)
    fail(store, create(store, "anna", webhook=HOOK), create(store, "anna", webhook=HOOK))
    for due in deliveries.take(1, 60):
        attempt = Attempt(at=due.created_at, duration_ms=12, status_code=500, answer="<b>broken</b>")
        deliveries.settle(due, Outcome(DeliveryStatus.FAILED, attempt))
    page = signed_in("operate/webhooks")
    expect(page.locator("#found tr")).to_have_count(2)
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page.locator("#found tr")).to_have_count(1)
    page.get_by_role("button", name="Attempts of").click()
    expect(page.locator("tr.attempts")).to_contain_text("12 ms · 500 · <b>broken</b>")
    page.get_by_role("button", name="Send 1 failed one again").click()
    expect(page.locator("#found")).to_have_text("No delivery matches.")
    assert {each.status for each in deliveries.page("anna", limit=9).deliveries} == {DeliveryStatus.PENDING}


def test_the_audit_log_shows_what_was_done_and_by_whom(signed_in: SignedIn, store: JobStore) -> None:
    (job_id,) = failed_jobs(store, 1)
    page = signed_in("operate/jobs")
    page.get_by_label("Select harbor-0").check()
    page.get_by_role("button", name="Retry selected").click()
    expect(page.locator("#found .pill")).to_have_text("queued")
    page.get_by_role("link", name="Audit").click()
    expect(page.locator("#found tr")).to_have_count(2)
    expect(page.locator("#found tr").first).to_contain_text("job retried")
    expect(page.locator("#found tr").first).to_contain_text(job_id)
    expect(page.locator("#found tr").last).to_contain_text("signed in")
    page.get_by_label("Action").select_option("job retried")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#found tr")).to_have_count(1)


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_window(
    chromium: Browser, api: str, keys: KeyStore, store: JobStore, size: dict[str, int], scheme: str
) -> None:
    key, _ = keys.create("root", Scope.ADMIN, "n" * 100)
    failed_jobs(store, 2)
    fail(store, create(store, "anna", custom_id="x" * 128, webhook={"url": HOOK["url"] + "/" + "y" * 500}))
    with window(chromium, base_url=api, viewport=size, color_scheme=scheme, refusals=("401",)) as page:
        enter(page, key, "operate/audit")
        for name in TABS:
            page.goto(f"operate/{name}")
            expect(page.locator("tbody tr").first).to_be_visible()
            for details in page.locator("details").all():
                details.evaluate("element => element.open = true")
            check(page)
        page.goto("operate/jobs")
        page.get_by_role("button", name="Delete all…").click()
        expect(page.get_by_role("button", name="Delete 3 jobs")).to_be_visible()
        check(page)


def check(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
