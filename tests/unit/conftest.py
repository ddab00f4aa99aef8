"""Fixtures for the tests of the client and of its command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, PNG, Wire
from tests.unit.command_service import Service


@pytest.fixture(params=["blocking", "asyncio"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """A wire for each of the two clients."""
    with Wire(in_event_loop=request.param == "asyncio") as wire:
        yield wire


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture
def bulk() -> Iterator[BatchService]:
    with BatchService() as service:
        yield service


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three photos and beside it the style `wave.png`; the photo `bad.jpg` will fail."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "cat.jpg").write_bytes(JPEG + b" of a cat")
    (folder / "more" / "cat.PNG").write_bytes(PNG + b" of a cat")
    (folder / "bad.jpg").write_bytes(JPEG + b", damaged")
    (tmp_path / "wave.png").write_bytes(PNG)
    return folder
