"""How jobs end: a real store and S3, and a pipeline whose stylizer does as the test says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

import pytest
import redis
from PIL import Image

from shared.descriptors import JobRequest, Lane
from shared.errors import LeaseLost, ModelUnavailable, SourceUnavailable, StylizationFailed
from shared.job_store import JobStore
from shared.queue import Dispatcher, create_celery
from shared.records import Job, JobStatus
from shared.settings import Settings
from shared.storage import Storage, upload_key
from worker.guarded_http import GuardedHttp
from worker.images import ImageLimits
from worker.job_runner import JobRunner, retry_delay_seconds
from worker.leases import Leases
from worker.pipeline import Picture, Pipeline
from worker.sources import Sources

OWNER = "anna"


class ScriptedStylizer:
    """A stylizer that does as it is told before it answers the content."""

    handle = "scripted"
    device = "cpu"

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None
        self.calls = 0

    def stylize(self, contents: Sequence[Picture], styles: Sequence[Picture]) -> list[Picture]:
        self.calls += 1
        self.before()
        return list(contents)


class Bench:
    """A runner and what the tests look at."""

    def __init__(self, store: JobStore, settings: Settings) -> None:
        self.store, self.settings, self.storage = store, settings, Storage(settings)
        self.stylizer = ScriptedStylizer()
        self.leases = Leases(store, settings.lease_seconds)
        self.celery = create_celery(settings)
        self.http = GuardedHttp(settings)
        dispatcher = Dispatcher(store, self.celery, settings.dispatch_window)
        sources = Sources(self.storage, self.http, settings)
        pipeline = Pipeline(sources, self.storage, self.stylizer, ImageLimits.from_settings(settings))
        self.runner = JobRunner(
            store, self.storage, pipeline, self.leases, dispatcher, settings.lease_seconds
        )

    def submit(self, **members: object) -> str:
        picture = BytesIO()
        Image.new("RGB", (32, 24), "teal").save(picture, "PNG")
        upload_id = hashlib.sha256(picture.getvalue()).hexdigest()
        self.storage.put(upload_key(OWNER, upload_id), picture.getvalue(), "image/png")
        pictures = {"content": {"upload_id": upload_id}, "style": {"upload_id": upload_id}}
        request = JobRequest.model_validate({**pictures, **members})
        (job_id,) = self.store.create(OWNER, [request], max_attempts=3)
        return job_id

    def run(self, job_id: str) -> Job:
        self.runner.run(job_id)
        return self.store.get(job_id)


@pytest.fixture
def bench(store: JobStore, redis_url: str, s3_settings: Settings) -> Iterator[Bench]:
    bench = Bench(store, s3_settings.model_copy(update={"redis_url": redis_url}))
    yield bench
    bench.http.close()
    bench.celery.close()


def fail_with(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_job_succeeds_and_its_picture_is_in_the_bucket(bench: Bench) -> None:
    job = bench.run(bench.submit(output={"format": "png"}))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    with Image.open(BytesIO(bench.storage.get(job.result.key, max_bytes=10**6))) as picture:
        assert picture.size == (32, 24) == (job.result.width, job.result.height)


def test_a_message_that_comes_twice_runs_the_job_once(bench: Bench) -> None:
    job_id = bench.submit()
    first = bench.run(job_id)
    assert bench.run(job_id) == first
    assert bench.stylizer.calls == 1
    bench.runner.run("job_that_never_was")


def test_a_permanent_error_fails_the_job_at_once_with_its_stage(bench: Bench) -> None:
    bench.stylizer.before = fail_with(StylizationFailed("It is not to be."))
    job = bench.run(bench.submit())
    assert job.error is not None
    assert job.error.model_dump() == {
        "code": "stylization-failed",
        "detail": "It is not to be.",
        "stage": "stylize",
        "retryable": False,
        "attempts": 1,
    }


def test_a_transient_error_puts_the_job_off_until_its_attempts_are_used_up(
    bench: Bench, connection: redis.Redis
) -> None:
    bench.stylizer.before = fail_with(SourceUnavailable("Not now."))
    job_id = bench.submit(max_attempts=2)
    job = bench.run(job_id)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 1)
    assert connection.zscore("sq:scheduled:normal", job_id) is not None
    job = bench.run(job_id)  # an early message is a chance like any other
    assert (job.status, job.attempt) == (JobStatus.FAILED, 2)
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("source-unavailable", True)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), KeyError("surprise")])
def test_an_unexpected_error_fails_the_job_and_nothing_else(bench: Bench, error: Exception) -> None:
    bench.stylizer.before = fail_with(error)
    job = bench.run(bench.submit())
    assert job.error is not None
    assert job.error.code == "internal-error"
    assert type(error).__name__ in job.error.detail
    bench.stylizer.before = lambda: None
    assert bench.run(bench.submit()).status is JobStatus.SUCCEEDED


def test_without_its_model_the_worker_gives_the_job_back_uncounted(bench: Bench) -> None:
    bench.stylizer.before = fail_with(ModelUnavailable("It is gone."))
    job_id = bench.submit()
    with pytest.raises(ModelUnavailable):
        bench.runner.run(job_id)
    job = bench.store.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 0)
    assert bench.store.dispatch(Lane.NORMAL, 10) == [job_id]


def test_a_job_canceled_while_it_runs_ends_as_canceled_and_leaves_no_picture(bench: Bench) -> None:
    job_id = bench.submit()
    bench.stylizer.before = lambda: bench.store.cancel(job_id, OWNER) and None
    job = bench.run(job_id)
    assert (job.status, job.result) == (JobStatus.CANCELED, None)
    assert not bench.storage.exists(f"results/{OWNER}/{job_id}.jpg")


def test_a_lost_lease_stops_the_job_before_its_picture_is_put(bench: Bench) -> None:
    job_id = bench.submit()
    bench.stylizer.before = fail_with(LeaseLost("Another worker has it."))
    job = bench.run(job_id)
    assert job.status is JobStatus.QUEUED
    assert not bench.storage.exists(f"results/{OWNER}/{job_id}.jpg")


def test_a_finished_job_makes_room_for_the_next_message(bench: Bench, connection: redis.Redis) -> None:
    first, second = bench.submit(), bench.submit()
    assert bench.store.dispatch(Lane.NORMAL, 1) == [first]
    bench.run(first)
    assert connection.zscore("sq:dispatched:normal", second) is not None
    assert connection.llen("stylize.normal") == 1


def test_retry_delays_grow_are_jittered_and_capped() -> None:
    assert [retry_delay_seconds(attempt, 1.0) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 60]
    assert retry_delay_seconds(3, 0.0) == 0
    assert retry_delay_seconds(3, 0.5) == 2
