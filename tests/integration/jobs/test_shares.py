"""Owners share real workers by the time of their jobs, and not by who came first or has more of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis

from shared.settings import Settings
from tests.faults.stand_ins.orders import Order
from tests.stacks.servers import wait_until
from tests.workers.worker_bench import WorkerBench

SLOTS = 4
COSTS = 16  # of a picture with four times the side
SHARE = 2.0  # allowed difference of two owners' times while each has had few jobs
SCRIPTED = "tests.faults.stand_ins.scripted_worker"
SLOW_SECONDS = 1.5


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


class SlowPictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(SLOW_SECONDS)
        picture = Order(milliseconds=20).picture()
        self.send_response(200)
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def slow_pictures() -> Iterator[str]:
    """The host of a server that responds slowly."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowPictures) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_two_owners_share_slots_though_the_tiny_pictures_of_one_come_slowly(bench: WorkerBench) -> None:
    style = {owner: bench.upload(Order(variant=255).picture(), owner) for owner in ("anna", "bert")}
    picture = bench.upload(Order(milliseconds=200).picture((512, 512)), "bert")
    with slow_pictures() as host:
        slow = [{"url": f"http://{host}/{number}.png"} for number in range(12)]
        ids = {
            "anna": bench.submit_pictures(slow, style["anna"], "anna", params={"max_side": 64}),
            "bert": bench.submit_pictures([picture] * 99, style["bert"], "bert", params={"max_side": 512}),
        }
        with bench.worker(app=SCRIPTED, worker_threads=2, source_allowed_hosts=(host,)):
            wait_until(lambda: started(bench, ids["anna"]) == 6, 60, "the sixth slow job")
    times = {}
    for owner, of_owner in ids.items():
        ended = [job.result.timings_ms for job in bench.jobs(of_owner) if job.result]
        times[owner] = sum(sum(timings.values()) - timings["queue"] for timings in ended)
    assert 1 / SHARE <= times["anna"] / times["bert"] <= SHARE, times
