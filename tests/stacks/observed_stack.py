"""The whole service as Prometheus sees it: an API of two processes, and a host with worker processes."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis

from local.children import PROJECT
from shared.settings import Settings
from shared.store.api_keys import KeyStore
from shared.store.redis.connection import connect
from shared.wire.operations.api_key import Scope
from tests.faults.mixtures.crowd import ndjson
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.scrapes import Scrape, scraped
from tests.stacks.gunicorn import running_api
from tests.stacks.ports import free_port
from tests.stacks.servers import running, running_rclone, running_redis, wait_until
from tests.stacks.service import NDJSON

QUICK = {  # what takes minutes in production takes seconds here
    "lease_seconds": 2.0,
    "sweep_seconds": 0.5,
    "worker_seen_seconds": 3.0,
    "memory_budget_bytes": 10**9,
}
START_SECONDS = 60


@dataclass(frozen=True)
class ObservedStack:
    """The API runs and asks for a key; workers run while a test wants them."""

    url: str
    settings: Settings
    key: str
    connection: redis.Redis
    folder: Path

    @property
    def workers_address(self) -> str:
        return f"{self.settings.metrics_host}:{self.settings.metrics_port}"

    def workers(self, processes: int = 2, engines: int = 0) -> AbstractContextManager[int]:
        """Run workers; yield the id of the process that started them."""
        command = [sys.executable, "-m", "tests.workers.scripted_fleet", str(processes), str(engines)]
        environment = {**os.environ, **self.settings.to_environment(), "PYTHONPATH": str(PROJECT)}
        return running(command, self.folder / "workers.log", environment)

    def until_workers_are_there(self, processes: int = 2) -> None:
        def up() -> bool:
            return self.of_api().value("stylequeue_workers", state="up") == processes

        wait_until(up, START_SECONDS, f"{processes} workers")

    def submit(self, number: int, action: ModelAction = ModelAction.PAINT, **members: Any) -> str:
        """Submit a batch of so many jobs; return its URL."""
        lines = [
            {
                "content": _source(Order(action, variant=count)),
                "style": _source(Order(variant=255)),
                **members,
            }
            for count in range(number)
        ]
        headers = {"Content-Type": NDJSON}
        answer = self.client().post("/v1/batches", content=ndjson(lines), headers=headers)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.headers["location"])

    def until_ended(self, batch_url: str, seconds: float = 60) -> None:
        def ended() -> bool:
            batch = self.client().get(batch_url).json()
            return bool(batch["progress"]["finished"] == batch["total"])

        wait_until(ended, seconds, "the end of the batch")

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def of_api(self) -> Scrape:
        return scraped(self.url, self.key)

    def of_workers(self) -> Scrape:
        return scraped(f"http://{self.workers_address}")


@contextmanager
def observed_stack(folder: Path) -> Iterator[ObservedStack]:
    with running_redis(folder) as redis_url, running_rclone(folder / "s3") as storage:
        settings = storage.model_copy(
            update={"redis_url": redis_url, "metrics_port": free_port(), "metrics_host": "127.0.0.1", **QUICK}
        )
        connection = connect(redis_url)
        key, _ = KeyStore(connection).create("prometheus", Scope.ADMIN)
        with running_api(settings, folder / "api.log", ["--workers", "2"]) as url:
            yield ObservedStack(url, settings, key, connection, folder)
        connection.close()


def _source(order: Order) -> dict[str, str]:
    return {"data": "data:image/png;base64," + base64.b64encode(order.picture()).decode()}
