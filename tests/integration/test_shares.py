"""How owners share real workers: by what their jobs take, and not by who came first or has more of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared.settings import Settings
from tests.faults.orders import Order
from tests.servers import wait_until
from tests.worker_bench import WorkerBench

SLOTS = 4
COSTS = 16  # of a picture with four times the side
SHARE = 2.0  # how unequal the times of two owners may be while each has had few jobs
SCRIPTED = "tests.faults.scripted_worker"


@pytest.fixture
def bench(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path
) -> Iterator[WorkerBench]:
    bench = WorkerBench(s3_settings.model_copy(update={"redis_url": redis_url}), connection, tmp_path)
    yield bench
    bench.close()


def started(bench: WorkerBench, ids: list[str]) -> int:
    return sum(job.started_at is not None for job in bench.jobs(ids))


def test_a_small_job_is_the_next_to_start_though_sixty_big_ones_of_another_owner_were_queued_before(
    bench: WorkerBench,
) -> None:
    annas = bench.submit(60, "anna", params={"max_side": 4096})
    with bench.worker(worker_threads=SLOTS):
        wait_until(lambda: started(bench, annas) == SLOTS, what="the first big jobs")
        for _ in range(3):
            small = bench.submit(1, "bert", params={"max_side": 64})
            bench.let_end(1)
            wait_until(lambda small=small: started(bench, small), what="the small job")  # type: ignore[misc]
            assert started(bench, annas) == SLOTS
        bench.let_all_end()


def test_two_owners_share_the_time_of_the_device_though_the_jobs_of_one_take_sixteen_times_as_long(
    bench: WorkerBench,
) -> None:
    ids = {}
    for owner, milliseconds, side, number in (("anna", 320, 2048, 8), ("bert", 20, 512, 8 * COSTS)):
        picture = bench.upload(Order(milliseconds=milliseconds).picture(), owner)
        style = bench.upload(Order(variant=255).picture(), owner)
        ids[owner] = bench.submit_pictures([picture] * number, style, owner, params={"max_side": side})
    with bench.worker(app=SCRIPTED, worker_threads=1):
        wait_until(lambda: started(bench, ids["anna"]) == 5, 60, "the fifth big job")
    times = {
        owner: sum(job.result.timings_ms["model"] for job in bench.jobs(of_owner) if job.result)
        for owner, of_owner in ids.items()
    }
    assert 1 / SHARE <= times["anna"] / times["bert"] <= SHARE, times
