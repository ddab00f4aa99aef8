"""A service with a worker and a key, which the clients of this folder use as their users do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.api_server import api_url
from shared.store.api_keys import KeyStore
from tests.stacks.fault_stack import running_stack


@dataclass(frozen=True)
class Service:
    url: str
    key: str
    description: Path  # /openapi.json


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running_stack(folder / "stack", random.Random(1)) as stack:
        stack.start_workers(1)
        key, _ = KeyStore(stack.connection).create("anna")
        described = folder / "openapi.json"
        described.write_bytes(stack.client.get("/openapi.json").content)
        stack.until_workers_are_there()
        yield Service(api_url(stack.api_port), key, described)
