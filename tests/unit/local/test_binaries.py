"""The choice of a server's program: by PATH, and none if it is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.binaries import first, on_path
from worker.supervision.errors import StackError


def test_a_missing_program_is_reported_with_the_way_to_get_it() -> None:
    with pytest.raises(StackError, match=r"^pip install it$"):
        first(iter(()), "pip install it")


def test_an_earlier_folder_of_path_wins_and_in_one_folder_the_earlier_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = ["own/valkey-server", "system/redis-server", "system/valkey-server"]
    programs = [tmp_path / place for place in places]
    for program in programs:
        program.parent.mkdir(exist_ok=True)
        program.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'own'}:{tmp_path / 'nowhere'}:{tmp_path / 'system'}")
    assert list(on_path("redis-server", "valkey-server")) == programs
