"""Hostile files among good ones, through a real worker: each fails its own job and no other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import psutil
import pytest
import redis

from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.wire.records import JobStatus
from tests.files.hostile_files import hostile_files
from tests.files.pictures import photo, saved
from tests.workers.worker_bench import WorkerBench

DECODE_SECONDS = 2.0


@pytest.fixture
def bench(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path
) -> Iterator[WorkerBench]:
    own = {"redis_url": redis_url, "decode_timeout_seconds": DECODE_SECONDS}
    bench = WorkerBench(s3_settings.model_copy(update=own), connection, tmp_path)
    yield bench
    bench.close()


def test_hostile_files_fail_with_their_codes_and_the_good_ones_between_them_succeed(
    bench: WorkerBench, store: JobStore
) -> None:
    hostile = hostile_files()
    style = bench.upload(saved(photo(64, 64)))
    uploads = [
        (bench.upload(data), bench.upload(saved(photo(64, 64 + n))))
        for n, (data, _) in enumerate(hostile.values())
    ]
    bench.let_all_end()
    ids = bench.submit_pictures(list(chain(*uploads)), style)
    with bench.worker() as process:
        jobs = bench.wait_for_ends(ids, 120)
        (alive,) = bench.registry.alive(60)
        assert (process.poll(), alive.pid, alive.model_loads) == (None, process.pid, 1)
        assert len(psutil.Process(process.pid).children()) <= bench.settings.worker_threads
    codes = [job.error.code if job.error else job.status.value for job in jobs[::2]]
    assert dict(zip(hostile, codes, strict=True)) == {name: code for name, (_, code) in hostile.items()}
    assert {(job.status, job.attempt) for job in jobs[1::2]} == {(JobStatus.SUCCEEDED, 1)}
    assert {job.error.stage for job in jobs if job.error} == {"decode"}
    assert {job.attempt for job in jobs} == {1}


def test_a_hostile_style_is_refused_as_a_hostile_photo_is(bench: WorkerBench) -> None:
    bench.let_all_end()
    content = bench.upload(saved(photo(64, 64)))
    ids = [
        job_id
        for data, _ in hostile_files().values()
        for job_id in bench.submit_pictures([content], bench.upload(data))
    ]
    with bench.worker():
        jobs = bench.wait_for_ends(ids, 120)
    expected = [code for _, code in hostile_files().values()]
    assert [job.error.code if job.error else None for job in jobs] == expected
    assert {job.error.stage for job in jobs if job.error} == {"style"}
