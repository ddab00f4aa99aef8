"""Bundles in a worker process: some jobs run, and one waits behind each slot."""

from __future__ import annotations

import math
import threading
import time

import pytest
import redis

from shared.store.lanes import jobs_called_by
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.stacks.servers import wait_until
from tests.workers.runner_bench import RunnerBench


def test_a_bundle_runs_on_the_slots_and_each_job_says_when_its_slot_began(
    bench: RunnerBench, connection: redis.Redis
) -> None:
    slots = bench.settings.slots
    bench.model.before = lambda: time.sleep(0.1)
    ids = [bench.submit(lane="bulk") for _ in range(2 * slots)]
    (call,) = bench.lanes.dispatch(Lane.BULK, 1)
    assert jobs_called_by(call) == len(ids)
    bench.runner.run_next(Lane.BULK, call)
    bench.runner.slots.wait_until_empty()
    jobs = [bench.store.get(job_id) for job_id in ids]
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    waits = [job.queue_ms for job in jobs]
    assert min(waits[slots:]) > 100
    assert [job.result and job.result.timings_ms["queue"] for job in jobs] == pytest.approx(waits, abs=1)
    assert connection.zcard("sq:calls:bulk") == 0


def test_jobs_that_wait_for_a_slot_are_given_back_when_the_worker_is_to_stop(bench: RunnerBench) -> None:
    slots, end = bench.settings.slots, threading.Event()
    bench.model.before = lambda: end.wait(30) and None
    ids = [bench.submit(lane="bulk") for _ in range(2 * slots)]
    (call,) = bench.lanes.dispatch(Lane.BULK, 1)
    feeder = threading.Thread(target=bench.runner.run_next, args=(Lane.BULK, call))
    feeder.start()
    wait_until(lambda: sum(job.began_at < math.inf for job in bench.leases.held_jobs()) == slots)
    bench.runner.slots.close()
    feeder.join()
    assert [bench.store.get(job_id).status for job_id in ids] == ["running"] * slots + ["queued"] * slots
    assert {bench.store.get(job_id).attempt for job_id in ids[slots:]} == {0}
    end.set()
    bench.runner.slots.wait_until_empty()
    assert len(bench.leases) == 0
