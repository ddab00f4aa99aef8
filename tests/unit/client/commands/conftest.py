from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.client_server import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A wire for the blocking client, which the commands use."""
    with Wire() as wire:
        yield wire
