"""Measure how many messages a second pass through Celery on Redis, alone and with the job's record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery

from bench.stacks.servers import Servers
from shared.broker.queue import Dispatcher, create_celery, queue_name
from shared.store.counts.queue_state import QueueState
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.records import JobStatus
from shared.wire.sources import UploadSource

NOOP_TASK = "bench.noop.v1"  # bench/stacks/noop_worker.py
OWNER = "bench"
MESSAGES = 2000
JOBS = 800
WORKERS = 2
POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 120


@dataclass(frozen=True)
class BrokerRates:
    """Messages per second, with two worker processes of the default number of threads."""

    published: float  # bare messages, in one batch
    messages: float  # received, with a task that does nothing
    jobs: float  # claimed and finished in their records besides


class Broker:
    def __init__(self, servers: Servers) -> None:
        self._settings = servers.settings
        self._redis = connect(servers.settings.redis_url)
        self._app = create_celery(servers.settings)
        self._store = JobStore(self._redis)
        for number in range(WORKERS):
            servers.start_worker("bench.stacks.noop_worker", f"noop-{number}", {})

    def measure(self) -> BrokerRates:
        self._drain(10)  # the workers are there
        published, messages = self._drain(MESSAGES)
        return BrokerRates(published, messages, self._finish(JOBS))

    def _drain(self, count: int) -> tuple[float, float]:
        begin = time.perf_counter()
        publish_noops(self._app, count)
        published = time.perf_counter()
        _wait_until(lambda: self._left() == 0)
        return count / (published - begin), count / (time.perf_counter() - begin)

    def _left(self) -> int:
        return self._redis.llen(queue_name(Lane.NORMAL))

    def _finish(self, count: int) -> float:
        source = UploadSource(upload_id="0" * 64)
        before = self._succeeded()
        self._store.create(OWNER, [JobRequest(content=source, style=source)] * count, max_attempts=1)
        begin = time.perf_counter()
        Dispatcher(Lanes(self._redis), self._app, self._settings.dispatch_window).dispatch()
        _wait_until(lambda: self._succeeded() - before == count)
        return count / (time.perf_counter() - begin)

    def _succeeded(self) -> int:
        return QueueState(self._redis).own(OWNER).get(JobStatus.SUCCEEDED, 0)

    def close(self) -> None:
        self._redis.close()


def publish_noops(app: Celery, count: int) -> None:
    with app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=count):
        for number in range(count):
            app.send_task(
                NOOP_TASK, args=(number,), queue=queue_name(Lane.NORMAL), producer=producer, retry=False
            )


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("the no-op workers did not finish")
        time.sleep(POLL_SECONDS)
