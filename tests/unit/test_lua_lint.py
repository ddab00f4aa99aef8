"""The lint of the Lua scripts says how to get luacheck, and where a finding stands."""

from __future__ import annotations

import pytest

from shared.store.redis.lua import part_text, parts_of
from tests.checks import lua_lint


def test_without_luacheck_the_lint_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="luacheck: apt-get install lua-check"):
        lua_lint.main()


def test_a_finding_names_the_line_of_its_own_file() -> None:
    before = sum(part_text(part).count("\n") + 1 for part in parts_of("pause_lane")[:-1])
    assert before > 100
    assert lua_lint._place("pause_lane", before + 1) == ("pause_lane", 1)
    assert lua_lint._place("pause_lane", 1) == ("keys", 1)
