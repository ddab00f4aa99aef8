"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from shared.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def settings_table() -> str:
    """Every setting with its default and its meaning, as Markdown."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
        shown = "" if default in (None, ()) else f"`{text.replace(str(Path.home()), '~')}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def test_the_settings_table_is_the_settings() -> None:
    table = README.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0].strip()
    assert table == settings_table()


def test_the_folder_table_names_the_folders_that_are_there() -> None:
    named = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    hidden = {folder for folder in ROOT.iterdir() if folder.name.startswith((".", "__"))}
    made = {"demo-out", "bench-out", "painted"}
    there = {folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder not in hidden}
    assert named == there - made


def test_the_make_targets_it_names_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_the_files_it_shows_exist() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).is_file(), path
