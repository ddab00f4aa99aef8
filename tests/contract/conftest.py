"""Stores for the contract tests, on a real Redis."""

from __future__ import annotations

import pytest
import redis

from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.uploads import UploadRegister
from shared.store.webhooks.deliveries import Deliveries
from tests.contract.uploads.upload_steps import OTHER, STYLE
from tests.contract.webhooks.delivery_steps import KEPT
from tests.jobs import OWNER


@pytest.fixture
def deliveries(connection: redis.Redis) -> Deliveries:
    return Deliveries(connection, KEPT)


@pytest.fixture
def storage(s3_settings: Settings) -> Storage:
    storage = Storage(s3_settings)
    for upload_id in (STYLE, OTHER):
        storage.put(upload_key(OWNER, upload_id), b"a picture", "image/png")
    return storage


@pytest.fixture
def register(connection: redis.Redis) -> UploadRegister:
    return UploadRegister(connection)


@pytest.fixture
def garbage(connection: redis.Redis) -> ObjectGarbage:
    return ObjectGarbage(connection)
