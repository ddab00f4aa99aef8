"""The README and the page of settings agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

from shared.settings import Settings
from tests.checks.settings_files import settings_table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_the_settings_table_is_the_settings() -> None:
    table = SETTINGS.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0].strip()
    assert table == settings_table(), "make settings"


def test_the_folder_table_names_the_folders_that_are_there() -> None:
    rows = re.findall(r"^\| (`\w+/`.*?) \|", README, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)/`", row)}
    hidden = {folder for folder in ROOT.iterdir() if folder.name.startswith((".", "__"))}
    made = {"build", "demo-out", "dist", "bench-out", "sbom-out", "painted"}
    there = {folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder not in hidden}
    assert named == there - made


def test_the_make_targets_it_names_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_the_files_it_shows_exist() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_readme_leads_to_every_page_of_the_docs() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages == set(re.findall(r"\]\(docs/([^)#:/]+\.md)\)", README))
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    assert pages - {"README.md"} == set(re.findall(r"\]\(([^)#:/]+\.md)\)", index))


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= 120


def test_the_variables_it_names_exist() -> None:
    for name in re.findall(r"`STYLEQUEUE_(\w+)`", README):
        assert name.lower() in Settings.model_fields, name
