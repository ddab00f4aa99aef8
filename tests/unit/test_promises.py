"""The page of promises names only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "7-promises.md").read_text("utf-8")


def test_the_tests_it_names_exist() -> None:
    named = re.findall(r"`((?:\w+/)?test_\w+\.py)`", PAGE)
    assert len(named) > 20
    for name in named:
        assert (ROOT / "tests" / (name if "/" in name else f"faults/{name}")).is_file(), name


def test_every_fault_has_a_row_or_is_named_as_not_shown() -> None:
    assert {f"F{number}" for number in range(1, 32)} <= set(re.findall(r"F\d+", PAGE))
