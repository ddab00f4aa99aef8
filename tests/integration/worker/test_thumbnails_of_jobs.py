"""Thumbnails of real jobs: a runner with a scripted model, a real store and S3."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from shared.policy.object_keys import thumbnail_key
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.records import Job, JobStatus
from tests.faults.wires.http_proxy import Answer, Request, proxy_before, s3_error
from tests.workers.runner_bench import OWNER, RunnerBench

SIZE = (1000, 700)


@pytest.fixture
def large(bench: RunnerBench) -> dict[str, object]:
    """The members of a job whose result needs a thumbnail."""
    return {"content": bench.upload("teal", SIZE)}


def test_it_lies_beside_the_result_and_the_record_tells_of_it(
    bench: RunnerBench, large: dict[str, object]
) -> None:
    job = bench.run(bench.submit(**large, output={"format": "png"}))
    assert job.result is not None
    assert job.result.thumbnail is not None
    file = bench.storage.get(thumbnail_key(OWNER, job.id), max_bytes=10**6)
    with Image.open(BytesIO(file)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (334, 234))
    assert job.result.thumbnail.model_dump() == {"width": 334, "height": 234, "bytes": len(file)}


def test_a_small_result_has_none(bench: RunnerBench) -> None:
    job = bench.run(bench.submit())
    assert job.result is not None
    assert job.result.thumbnail is None
    assert not bench.storage.exists(thumbnail_key(OWNER, job.id))


def test_that_of_a_picture_in_the_clients_bucket_stays_in_the_services(
    bench: RunnerBench, large: dict[str, object]
) -> None:
    BucketSetup(bench.settings.model_copy(update={"s3_bucket": "customers"})).create()
    job = bench.run(bench.submit(**large, output={"bucket": "customers"}))
    assert job.result is not None
    assert (job.result.bucket, job.result.thumbnail is not None) == ("customers", True)
    assert bench.storage.exists(thumbnail_key(OWNER, job.id))


@pytest.mark.parametrize("output", [{}, {"bucket": "customers"}])
def test_a_job_that_was_canceled_while_it_ran_leaves_none(
    bench: RunnerBench, large: dict[str, object], output: dict[str, str]
) -> None:
    BucketSetup(bench.settings.model_copy(update={"s3_bucket": "customers"})).create()
    job_id = bench.submit(**large, output=output)
    bench.model.before = lambda: bench.store.cancel(job_id, OWNER) and None
    assert bench.run(job_id).status is JobStatus.CANCELED
    assert not bench.storage.exists(thumbnail_key(OWNER, job_id))


def run_large(store: JobStore, lanes: Lanes, settings: Settings) -> Job:
    """Run a job whose result needs a thumbnail, with these settings."""
    bench = RunnerBench(store, lanes, settings)
    try:
        return bench.run(bench.submit(content=bench.upload("teal", SIZE)))
    finally:
        bench.decoders.close()
        bench.celery.close()


def test_one_that_cannot_be_stored_fails_no_job(
    store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings
) -> None:
    def refuse(request: Request) -> Answer | None:
        return s3_error(403, "AccessDenied") if "thumbnail" in request.path else None

    with proxy_before(s3_settings) as proxy:
        proxy.own_answer = refuse
        settings = {"redis_url": redis_url, "s3_endpoint_url": f"http://127.0.0.1:{proxy.port}"}
        job = run_large(store, lanes, s3_settings.model_copy(update=settings))
    assert job.result is not None
    assert job.result.thumbnail is None
    assert Storage(s3_settings).exists(job.result.key)


def test_an_operator_may_want_none(
    store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings
) -> None:
    settings = {"redis_url": redis_url, "thumbnails": False}
    job = run_large(store, lanes, s3_settings.model_copy(update=settings))
    assert job.result is not None
    assert job.result.thumbnail is None
    assert not Storage(s3_settings).exists(thumbnail_key(OWNER, job.id))
