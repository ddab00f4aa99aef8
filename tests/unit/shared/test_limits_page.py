"""The table of limits names only settings and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "8-security.md").read_text("utf-8")
HEADING = "| resource | per request | per owner | setting | test |"
TESTS = {path.name for path in (ROOT / "tests").rglob("test_*.py")}


def rows() -> list[list[str]]:
    table = PAGE[PAGE.index(HEADING) :].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


@pytest.mark.parametrize("row", rows(), ids=[row[0] for row in rows()])
def test_each_limit_has_a_number_or_a_setting_and_a_test(row: list[str]) -> None:
    _, per_request, per_owner, setting, test = row
    assert per_request or per_owner
    assert set(re.findall(r"`(\w+)`", setting)) <= Settings.model_fields.keys()
    named = re.findall(r"`([\w.]+)`", test)
    assert named
    assert set(named) <= TESTS
