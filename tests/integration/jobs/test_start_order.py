"""The order of starts, on a real Redis and a real Celery worker: it is recorded, not timed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import pytest
import redis

from shared.broker.queue import STYLIZE_TASK, create_celery, queue_name
from shared.settings import Settings
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import FAST_LANES, Lane
from tests.stacks.servers import running, wait_until
from tests.workers.recording_worker import HELD, OPEN, STARTS, door, published_key

CELERY = (sys.executable, "-m", "celery")
QUIET = ("--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "WARNING")
START_SECONDS = 90


class Broker:
    """A test's messages, and its view of the worker."""

    def __init__(self, settings: Settings, connection: redis.Redis) -> None:
        self.settings, self.connection = settings, connection
        self._celery = create_celery(settings)

    def publish(self, lane: Lane, count: int) -> list[str]:
        """Publish messages high-0, high-1, ...; a lane's numbers go on from call to call."""
        first = self.connection.incrby(published_key(lane), count) - count
        job_ids = [f"{lane}-{number}" for number in range(first, first + count)]
        for job_id in job_ids:
            self._celery.send_task(STYLIZE_TASK, args=(job_id,), queue=queue_name(lane))
        return job_ids

    def let_end(self, *job_ids: str) -> None:
        for job_id in job_ids:
            self.connection.rpush(door(job_id), "")

    def starts(self, count: int) -> list[str]:
        """Return the first `count` starts, as soon as there are so many."""
        wait_until(lambda: self.connection.llen(STARTS) >= count, START_SECONDS, f"start number {count}")
        return cast("list[str]", self.connection.lrange(STARTS, 0, count - 1))

    def lanes(self, count: int) -> str:
        """Return the lanes of the first `count` starts by their first letters."""
        return "".join(job_id[0] for job_id in self.starts(count))

    def most_held(self) -> int:
        return max(int(held) for held in cast("list[str]", self.connection.lrange(HELD, 0, -1)))

    def waiting(self, lane: Lane) -> int:
        return self.connection.llen(queue_name(lane))

    def close(self) -> None:
        self._celery.close()


@pytest.fixture
def broker(redis_url: str, connection: redis.Redis) -> Iterator[Broker]:
    broker = Broker(Settings(redis_url=redis_url), connection)
    yield broker
    broker.close()


Worker = Callable[[int], AbstractContextManager[int]]


@pytest.fixture
def worker(broker: Broker, tmp_path: Path) -> Worker:
    """Return a function that starts a worker with so many slots."""

    @contextmanager
    def start(slots: int) -> Iterator[int]:
        settings = broker.settings.model_copy(update={"worker_threads": slots})
        command = [*CELERY, "-A", "tests.workers.recording_worker", "worker", *QUIET]
        with running(command, tmp_path / "worker.log", {**os.environ, **settings.to_environment()}) as pid:
            yield pid
            broker.connection.rpush(OPEN, *[""] * 1000)

    return start


@pytest.mark.parametrize("slots", [1, 4])
def test_a_normal_job_submitted_while_bulk_runs_is_the_very_next_to_start(
    broker: Broker, worker: Worker, slots: int
) -> None:
    bulk = broker.publish(Lane.BULK, 40)
    with worker(slots):
        for round_ in range(5):
            running_jobs = broker.starts(slots + 2 * round_)
            (normal,) = broker.publish(Lane.NORMAL, 1)
            broker.let_end(running_jobs[-1])
            assert broker.starts(slots + 2 * round_ + 1)[-1] == normal
            broker.let_end(normal)
        starts = broker.starts(slots + 10)
        assert set(starts[:slots]) == set(bulk[:slots])  # at the same time
        assert starts[slots + 1 :: 2] == bulk[slots : slots + 5]
        assert broker.waiting(Lane.BULK) == 40 - slots - 5


@pytest.mark.parametrize(
    ("lanes", "starts"),
    [
        ([Lane.HIGH, Lane.BULK], "hhhhhhhb" * 4),
        ([Lane.NORMAL, Lane.BULK], "nnnnnnnb" * 4),
        ([Lane.HIGH, Lane.NORMAL], "hhhhhhhn" * 4),
        (list(FAST_LANES), "hhhhhhhb" "nhhhhhhb" "hnhhhhhb" "hhnhhhhb"),
    ],
)  # fmt: skip
def test_under_a_permanent_supply_from_above_a_lane_gets_one_start_of_eight(
    broker: Broker, worker: Worker, lanes: list[Lane], starts: str
) -> None:
    for lane in reversed(lanes):
        broker.publish(lane, len(starts))
    broker.connection.rpush(OPEN, *[""] * len(starts))
    with worker(1):
        assert broker.lanes(len(starts)) == starts


def test_a_worker_holds_one_message_at_a_time(broker: Broker, worker: Worker) -> None:
    for lane in Lane:
        broker.publish(lane, 30)
    broker.connection.rpush(OPEN, *[""] * 80)
    with worker(4):
        broker.starts(80)
    assert broker.most_held() <= 1


def test_also_after_its_connection_broke_it_holds_no_message_without_a_slot(
    broker: Broker, worker: Worker
) -> None:
    def pops() -> set[str]:
        clients = broker.connection.client_list()
        return {client["id"] for client in clients if client["cmd"] == "brpop"}

    broker.publish(Lane.BULK, 3)
    with worker(4):
        broker.starts(3)
        wait_until(pops, what="a slot that waits for its message")
        (broken,) = pops()
        broker.connection.client_kill_filter(_id=broken)
        wait_until(lambda: pops() - {broken}, what="a new connection")
        broker.publish(Lane.BULK, 20)
        for number in range(3, 8):
            last = broker.starts(2 * number - 2)[-1]
            (normal,) = broker.publish(Lane.NORMAL, 1)
            broker.let_end(last)
            assert broker.starts(2 * number - 1)[-1] == normal
            broker.let_end(normal)


def test_a_worker_of_two_lanes_leaves_the_third_and_says_so(
    broker: Broker, s3_settings: Settings, model_cache: Path, tmp_path: Path
) -> None:
    """The real command runs; it takes messages whose jobs do not exist."""
    own = {"redis_url": broker.settings.redis_url, "cache_dir": model_cache}
    environment = {**os.environ, **s3_settings.model_copy(update=own).to_environment()}
    registry = WorkerRegistry(broker.connection)
    command = [str(Path(sys.executable).parent / "stylequeue"), "worker", "--processes", "1"]
    broker.publish(Lane.BULK, 1)
    with running([*command, "--lanes", "normal,high"], tmp_path / "worker.log", environment):
        wait_until(lambda: registry.alive(60), START_SECONDS, "a worker")
        for lane in [Lane.NORMAL] * 9 + [Lane.HIGH] * 9:  # after seven of them it would be bulk's turn
            broker.publish(lane, 1)
            wait_until(lambda: not broker.waiting(lane), what="the end of the queue")  # noqa: B023
        (info,) = registry.alive(60)
        assert (info.lanes, info.rate) == ((Lane.HIGH, Lane.NORMAL), None)
        assert broker.waiting(Lane.BULK) == 1


def test_an_unknown_lane_ends_the_command_with_its_name(broker: Broker) -> None:
    command = [sys.executable, "-m", "worker.command", "--lanes", "high,low"]
    environment = {**os.environ, **broker.settings.to_environment()}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "'low' is not a lane: high, normal, bulk" in result.stderr
