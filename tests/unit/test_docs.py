"""Everything that the pages name exists: links, sections, files, tests, settings and log events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
FOLDERS = "api|bench|client|deploy|docs|local|samples|shared|simulation|tests|worker"
TESTS = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
NO_SETTINGS = {"API_KEY", "API_PORT", "S3_"}  # of the client, of Kubernetes, a prefix

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_each_link_leads_to_a_file_and_a_section(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text("utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


@each_page
def test_each_path_exists(page: Path) -> None:
    named = rf"`((?:{FOLDERS})/[\w./-]*)`|(?<![\w/.-])((?:{FOLDERS})/[\w./-]+\.(?:json|lua|py|sh|ya?ml))"
    for path in map("".join, re.findall(named, page.read_text("utf-8"))):
        assert (ROOT / path).exists(), path


@each_page
def test_each_test_exists(page: Path) -> None:
    assert set(re.findall(r"`(?:[\w/]+/)?(test_\w+\.py)`", page.read_text("utf-8"))) <= TESTS


@each_page
def test_each_variable_is_a_setting(page: Path) -> None:
    named = set(re.findall(rf"{PREFIX}(\w+)", page.read_text("utf-8")))
    assert {name.lower() for name in named - NO_SETTINGS} <= Settings.model_fields.keys()


def test_each_log_event_is_in_the_code() -> None:
    page = (ROOT / "docs" / "14-logs-and-traces.md").read_text("utf-8")
    table = page.partition("| event | by | says |\n|---|---|---|\n")[2].partition("\n\n")[0]
    events = [event for row in table.splitlines() for event in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(events) > 10
    code = "".join(
        path.read_text("utf-8")
        for folder in ("api", "shared", "worker")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert [event for event in events if f'"{event}"' not in code] == []
