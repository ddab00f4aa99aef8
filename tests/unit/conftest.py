"""What the tests of the client and of its command share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.client_server import JPEG, PNG, Wire
from tests.unit.command_service import Service


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three photos and a style; one of the photos will fail, and one is named twice."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "cat.jpg").write_bytes(JPEG)
    (folder / "more" / "cat.png").write_bytes(PNG)
    (folder / "bad.jpg").write_bytes(JPEG)
    (folder / "wave.jpg").write_bytes(PNG)
    return folder
