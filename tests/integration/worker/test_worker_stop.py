"""The end of workers: real processes, real signals, and the jobs that they had."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from local.redis_server import redis_answers
from shared.settings import Settings
from shared.wire.records import JobStatus
from tests.stacks.servers import wait_until
from tests.workers.slow_worker import CALLS, DEAF, GONE, OPEN
from tests.workers.worker_bench import WorkerBench, stop

SLOTS = 4
WHILE_CLOSING_SECONDS = 8  # from the last job's end to the process's
SUCCEEDED, QUEUED, RUNNING = JobStatus.SUCCEEDED, JobStatus.QUEUED, JobStatus.RUNNING


@pytest.fixture
def bench(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path
) -> Iterator[WorkerBench]:
    """A bench whose leases outlast the test: a silent worker's job does not come back before its end."""
    own = {"redis_url": redis_url, "lease_seconds": 120.0, "worker_seen_seconds": 3.0, "sweep_seconds": 0.5}
    bench = WorkerBench(s3_settings.model_copy(update=own), connection, tmp_path)
    yield bench
    bench.close()


def test_at_sigterm_images_in_hand_are_finished_and_the_others_run_elsewhere(bench: WorkerBench) -> None:
    jobs = bench.submit(20)
    with bench.worker("first", stop_seconds=60) as first:
        bench.let_end(6)
        bench.calls(7)
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS)
        stop(first)
        wait_until(lambda: any(worker.draining for worker in bench.registry.alive(60)), what="the stop")
        bench.let_end(SLOTS)
        assert first.wait(WHILE_CLOSING_SECONDS) == 0
    finished = {job.id: job for job in bench.jobs(jobs) if job.status is SUCCEEDED}
    assert len(finished) == 6 + SLOTS
    assert bench.with_status(jobs, QUEUED) == 20 - len(finished)
    with bench.worker("second"):
        bench.let_all_end()
        ended = bench.wait_for_ends(jobs)
    assert {(job.status, job.attempt) for job in ended} == {(SUCCEEDED, 1)}
    assert {job.id: job for job in ended if job.id in finished} == finished
    assert bench.connection.llen(CALLS) == 20


def test_jobs_not_finished_in_time_are_given_back_uncounted_and_run_elsewhere(bench: WorkerBench) -> None:
    jobs = bench.submit(SLOTS + 2)
    with bench.worker("second"), bench.worker("first", stop_seconds=1) as first:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS + 2)
        begin = time.monotonic()
        stop(first)
        assert first.wait(1 + WHILE_CLOSING_SECONDS) == 0
        assert time.monotonic() - begin < 4
        assert bench.with_status(jobs, RUNNING) <= SLOTS
        bench.let_all_end()
        ended = bench.wait_for_ends(jobs, 30)  # a lease would last far longer
    assert [job.error for job in ended if job.error] == []
    assert {(job.status, job.attempt) for job in ended} == {(SUCCEEDED, 1)}


def test_a_second_signal_gives_everything_back_at_once(bench: WorkerBench) -> None:
    jobs = bench.submit(SLOTS)
    with bench.worker(stop_seconds=600) as process:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS)
        stop(process)
        wait_until(lambda: any(worker.draining for worker in bench.registry.alive(60)), what="the stop")
        assert process.poll() is None
        begin = time.monotonic()
        stop(process)
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 3
    assert {(job.status, job.attempt) for job in bench.jobs(jobs)} == {(QUEUED, 0)}
    assert bench.registry.alive(60) == []


def test_a_stop_while_redis_is_away_is_bounded_too(bench: WorkerBench) -> None:
    jobs = bench.submit(1)
    with bench.worker(stop_seconds=1) as process:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == 1)
        bench.connection.execute_command("CLIENT", "PAUSE", 12_000, "ALL")
        begin = time.monotonic()
        stop(process)
        assert process.wait(20) == 0
        assert time.monotonic() - begin < 1 + 5 + 2
    wait_until(lambda: redis_answers(bench.settings.redis_url), what="the end of the pause")


def test_a_signal_while_the_model_is_loaded_ends_it_even_if_a_library_swallows_it(bench: WorkerBench) -> None:
    jobs = bench.submit(1)
    bench.connection.rpush(DEAF, "")
    with bench.worker() as process:
        assert process.wait(10) == 0
    assert bench.connection.llen(DEAF) == 2
    assert {(job.status, job.attempt) for job in bench.jobs(jobs)} == {(QUEUED, 0)}


def test_a_drained_worker_takes_no_more_finishes_and_ends(bench: WorkerBench) -> None:
    jobs = bench.submit(SLOTS)
    with bench.worker(stop_seconds=0) as process:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS)
        (info,) = bench.registry.alive(60)
        assert not info.draining
        command = [sys.executable, "-m", "worker.command", "drain", info.id]
        environment = {**os.environ, **bench.settings.to_environment()}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"draining {info.id}\n"
        assert bench.registry.alive(60)[0].draining
        wait_until(lambda: "stopping" in bench.log().read_text(), what="the worker's next heartbeat")
        later = bench.submit(2)
        bench.let_end(SLOTS - 1)
        wait_until(lambda: bench.with_status(jobs, SUCCEEDED) == SLOTS - 1)
        assert process.poll() is None
        bench.let_end(1)
        assert process.wait(WHILE_CLOSING_SECONDS) == 0
    assert bench.with_status(jobs, SUCCEEDED) == SLOTS
    assert {(job.status, job.attempt) for job in bench.jobs(later)} == {(QUEUED, 0)}
    assert bench.registry.alive(60) == []


def test_a_worker_that_is_not_there_cannot_be_drained(bench: WorkerBench) -> None:
    environment = {**os.environ, **bench.settings.to_environment()}
    for arguments, words in ((["nobody"], "No worker nobody is alive"), ([], "--all")):
        command = [sys.executable, "-m", "worker.command", "drain", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert words in done.stderr


def test_a_worker_whose_model_is_gone_gives_its_jobs_back_and_fails(bench: WorkerBench) -> None:
    jobs = bench.submit(SLOTS)
    with bench.worker(stop_seconds=1) as process:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS)
        bench.connection.rpush(OPEN, GONE)
        assert process.wait(10) == 1
    assert {(job.status, job.attempt) for job in bench.jobs(jobs)} == {(QUEUED, 0)}
    assert "It is gone." in bench.log().read_text()


def test_a_job_that_hangs_is_given_up_and_its_process_ends_without_harm_to_others(bench: WorkerBench) -> None:
    jobs = bench.submit(SLOTS, max_attempts=1)
    with bench.worker(job_timeout_seconds=3.0, stop_seconds=1) as process:
        wait_until(lambda: bench.with_status(jobs, RUNNING) == SLOTS)
        assert process.wait(20) == 70
    (failed,) = [job for job in bench.jobs(jobs) if job.error]
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.retryable) == ("timed-out", "model", True)
    assert "3 s (job_timeout_seconds)" in failed.error.detail
    assert bench.with_status(jobs, QUEUED) == SLOTS - 1
    assert {job.attempt for job in bench.jobs(jobs) if job.status is QUEUED} == {0}
    assert "a job hangs" in bench.log().read_text()


def test_a_job_that_was_only_slow_is_given_up_and_its_process_lives_on(bench: WorkerBench) -> None:
    jobs = bench.submit(1, max_attempts=1)
    with bench.worker(job_timeout_seconds=1.0, stop_seconds=60):
        (job,) = bench.wait_for_ends(jobs, 10)
        assert job.error is not None
        assert job.error.code == "timed-out"
        bench.let_all_end()
        (later,) = bench.wait_for_ends(bench.submit(1), 20)
        assert later.status is SUCCEEDED
    assert bench.jobs(jobs) == [job]
