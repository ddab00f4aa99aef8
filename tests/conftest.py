from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from local.stack import LocalStack
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from tests.checks.agreement import assert_counters_agree
from tests.faults.wires.http_proxy import HttpProxy, proxy_before
from tests.jobs import meet_older_worker
from tests.stacks.servers import running_rclone, running_redis

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # under `nohup` or in the background
    signal.signal(signal.SIGINT, lambda *_: None)  # ignored here as before; children start with the default


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def connection(redis_url: str) -> Iterator[redis.Redis]:
    """An empty Redis database."""
    client = connect(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def counters_agree(connection: redis.Redis) -> Iterator[None]:
    """After the test, assert that the counters agree with the records."""
    yield
    assert_counters_agree(connection)


@pytest.fixture
def older_worker(connection: redis.Redis) -> None:
    """A worker of an older version is alive, so messages must name jobs."""
    meet_older_worker(connection)


@pytest.fixture
def store(connection: redis.Redis) -> JobStore:
    return JobStore(connection)


@pytest.fixture
def lanes(connection: redis.Redis) -> Lanes:
    return Lanes(connection)


@pytest.fixture
def batches(connection: redis.Redis) -> BatchStore:
    return BatchStore(connection)


@pytest.fixture(scope="session")
def s3_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that lead to an S3 server with the service's bucket."""
    with running_rclone(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture
def proxy(s3_settings: Settings) -> Iterator[HttpProxy]:
    """A proxy in front of the S3 server, which a test lets fail or speak for it."""
    with proxy_before(s3_settings) as proxy:
        yield proxy


@pytest.fixture
def proxied_settings(s3_settings: Settings, proxy: HttpProxy) -> Settings:
    """Settings that lead to the S3 server through the proxy."""
    return s3_settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{proxy.port}"})


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the embedded model is built, once for all tests."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[LocalStack]:
    """The whole service with one worker, and a lease that is short enough to wait for."""
    environment = {"STYLEQUEUE_CACHE_DIR": str(model_cache), "STYLEQUEUE_LEASE_SECONDS": "5"}
    with LocalStack(tmp_path_factory.mktemp("stack"), workers=1, environment=environment) as stack:
        yield stack
