"""A `submit` of six photos, which the tests stop, continue and repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, URL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(6):
        below = folder / "more" if number > 3 else folder
        (below / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out dir"


@pytest.fixture
def command(bulk: BatchService, folder: Path, out: Path) -> list[str]:
    return list(map(str, ["submit", folder, "--style", URL, "--out", out]))
