"""The result of a container's health check for its workers."""

from __future__ import annotations

import pytest
import redis

from shared.settings import Settings
from shared.store.workers import WorkerRegistry
from shared.wire.records import WorkerInfo
from tests.jobs import worker_info
from tests.stacks.ports import free_port
from worker.telemetry.health import reason_to_worry


@pytest.fixture
def settings(redis_url: str, connection: redis.Redis) -> Settings:
    """Settings with an empty Redis."""
    return Settings(redis_url=redis_url)


def announce(connection: redis.Redis, host: str) -> WorkerInfo:
    worker = worker_info(f"{host}-1", host=host)
    WorkerRegistry(connection).announce(worker)
    return worker


def test_a_host_is_well_while_one_of_its_own_workers_is_seen(
    settings: Settings, connection: redis.Redis
) -> None:
    announce(connection, "elsewhere")
    assert reason_to_worry(settings, "here") == "No worker of here was seen in the last 15 s"
    worker = announce(connection, "here")
    assert reason_to_worry(settings, "here") is None
    WorkerRegistry(connection).remove(worker.id)
    assert reason_to_worry(settings, "here")


def test_a_worker_is_not_to_blame_for_a_redis_that_does_not_answer(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    assert reason_to_worry(gone, "here") is None
    assert "Redis does not answer; the state of the workers is unknown" in capsys.readouterr().err
