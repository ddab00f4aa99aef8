"""The API on a real Redis and a real S3 server; a module changes its settings by a fixture of that name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from tests.stacks.service import service, started
from tests.workers.runner_bench import RunnerBench


@pytest.fixture(scope="module")
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    return s3_settings.model_copy(update={"redis_url": redis_url})


@pytest.fixture(scope="module")
def storage(settings: Settings) -> Storage:
    return Storage(settings)


@pytest.fixture(scope="module")
def module_app(settings: Settings) -> Iterator[Flask]:
    with service(settings) as app:
        yield app


@pytest.fixture
def app(module_app: Flask, settings: Settings, connection: redis.Redis) -> Flask:
    """The application on an empty Redis."""
    started(module_app, settings)
    return module_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def bench(store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings) -> Iterator[RunnerBench]:
    bench = RunnerBench(
        store,
        lanes,
        s3_settings.model_copy(
            update={"redis_url": redis_url, "s3_output_buckets": ("customers", "not-there")}
        ),
    )
    yield bench
    bench.decoders.close()
    bench.celery.close()
