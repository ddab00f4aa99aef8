"""The ends of jobs: a real store and S3, and a pipeline whose stylizer does as the test says."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
import redis
from PIL import Image

from shared.errors import LeaseLost, ModelUnavailable, SourceUnavailable, StylizationFailed
from shared.policy.object_keys import upload_key
from shared.storage.bucket_setup import BucketSetup
from shared.store.adoption import Adoption
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from shared.wire.records import JobStatus
from tests.files.pictures import saved
from tests.workers.runner_bench import OWNER, RunnerBench
from worker.jobs.runner import retry_delay_seconds


def fail_with(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_job_succeeds_and_its_picture_is_in_the_bucket(bench: RunnerBench) -> None:
    job = bench.run(bench.submit(output={"format": "png"}))
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    with Image.open(BytesIO(bench.storage.get(job.result.key, max_bytes=10**6))) as picture:
        assert picture.size == (32, 24) == (job.result.width, job.result.height)


def test_a_job_that_was_adopted_finds_its_pictures_and_writes_beside_them(
    bench: RunnerBench, connection: redis.Redis
) -> None:
    bench.owner = ANONYMOUS_OWNER
    job_id = bench.submit()
    Adoption(connection).adopt("me")
    job = bench.run(job_id)
    assert (job.owner, job.status) == ("me", JobStatus.SUCCEEDED), job.error
    assert job.result is not None
    assert job.result.key == f"results/anonymous/{job_id}.jpg"
    assert bench.storage.exists(job.result.key)


def test_a_key_that_an_older_version_accepted_for_the_services_bucket_is_not_used(bench: RunnerBench) -> None:
    job = bench.run(bench.submit(output={"format": "webp", "key": "2026/teal.webp"}))
    assert job.result is not None
    assert (job.result.bucket, job.result.key) == (None, f"results/{OWNER}/{job.id}.webp")
    assert bench.storage.exists(job.result.key)


@pytest.mark.parametrize(("output", "key"), [({}, "{}.png"), ({"key": "a/b"}, "a/b")])
def test_a_picture_goes_into_the_clients_bucket(bench: RunnerBench, output: dict[str, str], key: str) -> None:
    BucketSetup(bench.settings.model_copy(update={"s3_bucket": "customers"})).create()
    job = bench.run(bench.submit(output={"format": "png", "bucket": "customers", **output}))
    assert job.result is not None
    assert (job.result.bucket, job.result.key) == ("customers", key.format(job.id))
    assert len(bench.storage.get(job.result.key, bucket="customers", max_bytes=10**6)) == job.result.bytes


@pytest.mark.parametrize("bucket", ["not-allowed", "not-there"])
def test_a_bucket_that_cannot_be_written_to_fails_the_job_at_once(bench: RunnerBench, bucket: str) -> None:
    job = bench.run(bench.submit(output={"bucket": bucket}))
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("output-forbidden", "put", False)
    assert bucket in job.error.detail


def test_a_message_that_comes_twice_runs_the_job_once(bench: RunnerBench) -> None:
    job_id = bench.submit()
    first = bench.run(job_id)
    assert bench.run(job_id) == first
    assert bench.model.calls == 1
    bench.runner.run("job_that_never_was")


def test_a_permanent_error_fails_the_job_at_once_with_its_stage(bench: RunnerBench) -> None:
    bench.model.before = fail_with(StylizationFailed("It is not to be."))
    job = bench.run(bench.submit())
    assert job.error is not None
    assert job.error.model_dump() == {
        "code": "stylization-failed",
        "detail": "It is not to be.",
        "stage": "model",
        "retryable": False,
        "attempts": 1,
    }


def test_a_transient_error_puts_the_job_off_until_its_attempts_are_used_up(
    bench: RunnerBench, connection: redis.Redis
) -> None:
    bench.model.before = fail_with(SourceUnavailable("Not now."))
    job_id = bench.submit(max_attempts=2)
    job = bench.run(job_id)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 1)
    assert connection.zscore("sq:scheduled:normal", job_id) is not None
    job = bench.run(job_id)  # an early message counts like any other
    assert (job.status, job.attempt) == (JobStatus.FAILED, 2)
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("source-unavailable", True)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), KeyError("surprise")])
def test_an_unexpected_error_fails_the_job_and_nothing_else(bench: RunnerBench, error: Exception) -> None:
    bench.model.before = fail_with(error)
    job = bench.run(bench.submit())
    assert job.error is not None
    assert job.error.code == "internal-error"
    assert type(error).__name__ in job.error.detail
    bench.model.before = lambda: None
    assert bench.run(bench.submit()).status is JobStatus.SUCCEEDED


def test_the_rate_is_of_jobs_that_ended_and_not_of_those_put_off(bench: RunnerBench) -> None:
    bench.model.before = fail_with(SourceUnavailable("Not now."))
    bench.run(bench.submit())
    assert bench.leases.rate.per_second() is None
    bench.model.before = fail_with(StylizationFailed("It is not to be."))
    bench.run(bench.submit())
    rate = bench.leases.rate.per_second()
    assert rate is not None
    assert rate > 0


def test_without_its_model_the_worker_gives_the_job_back_uncounted(bench: RunnerBench) -> None:
    bench.model.before = fail_with(ModelUnavailable("It is gone."))
    job_id = bench.submit()
    with pytest.raises(ModelUnavailable):
        bench.run(job_id)
    job = bench.store.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 0)
    assert bench.store.look(job_id, OWNER).position == 1


def test_a_job_canceled_while_it_runs_ends_as_canceled_and_leaves_no_picture(bench: RunnerBench) -> None:
    job_id = bench.submit()
    bench.model.before = lambda: bench.store.cancel(job_id, OWNER) and None
    job = bench.run(job_id)
    assert (job.status, job.result) == (JobStatus.CANCELED, None)
    assert not bench.storage.exists(f"results/{OWNER}/{job_id}.jpg")


def test_a_lost_lease_stops_the_job_before_its_picture_is_put(bench: RunnerBench) -> None:
    job_id = bench.submit()
    bench.model.before = fail_with(LeaseLost("Another worker has it."))
    job = bench.run(job_id)
    assert job.status is JobStatus.QUEUED
    assert not bench.storage.exists(f"results/{OWNER}/{job_id}.jpg")


def test_a_call_runs_the_next_job_and_its_end_makes_room_for_the_next_call(
    bench: RunnerBench, connection: redis.Redis
) -> None:
    first, second = bench.submit(lane="high"), bench.submit(lane="high")
    (call,) = bench.lanes.dispatch(Lane.HIGH, 1)
    bench.runner.run_next(Lane.HIGH, call)
    bench.runner.slots.wait_until_empty()
    ended = [bench.store.get(job_id).status for job_id in (first, second)]
    assert ended == [JobStatus.SUCCEEDED, JobStatus.QUEUED]
    assert connection.zcard("sq:calls:high") == 1
    assert connection.llen("stylize.high") == 1


def test_a_call_that_comes_to_a_worker_that_stops_is_taken_back(
    bench: RunnerBench, connection: redis.Redis
) -> None:
    job_id = bench.submit()
    (call,) = bench.lanes.dispatch(Lane.NORMAL, 1)
    bench.runner.slots.close()
    bench.runner.run_next(Lane.NORMAL, call)
    assert bench.store.look(job_id, OWNER).position == 1
    assert connection.zcard("sq:calls:normal") == 0


def test_retry_delays_grow_are_jittered_and_capped() -> None:
    assert [retry_delay_seconds(attempt, 1.0) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 60]
    assert retry_delay_seconds(3, 0.0) == 0
    assert retry_delay_seconds(3, 0.5) == 2


def test_a_known_style_is_neither_fetched_nor_computed_again(bench: RunnerBench) -> None:
    style = bench.upload("red")
    first = bench.run(bench.submit(style=style))
    bench.storage.delete(upload_key(OWNER, style["upload_id"]))
    second = bench.run(bench.submit(style=style))
    assert [job.result and job.result.style_cache for job in (first, second)] == ["miss", "hit"]
    assert bench.model.styles == 1
    other_size = bench.run(bench.submit(style=style, params={"style_size": 128}))
    assert other_size.error is not None
    assert other_size.error.detail.startswith("style image: There is no s3://")


def test_a_truncated_file_is_painted_and_each_job_says_so_also_with_a_known_style(bench: RunnerBench) -> None:
    whole = bench.upload("red")
    cut = bench.upload_file(saved(Image.new("RGB", (32, 24), "navy"), "JPEG").removesuffix(b"\xff\xd9"))
    about = "The JPEG file has no end marker; all of its pixels are there"
    for images in (("content", "style"), ("content", "style"), ("style",), ("content",), ()):
        members = {name: cut if name in images else whole for name in ("content", "style")}
        done = bench.run(bench.submit(**members))
        assert done.result is not None
        expected = [("image-truncated", f"{name} image: {about}") for name in images]
        assert [(warning.code, warning.detail) for warning in done.result.warnings] == expected


def test_an_object_that_changed_is_another_style(bench: RunnerBench) -> None:
    key = f"uploads/{OWNER}/changing.png"
    for color in ("red", "blue"):
        file = bench.storage.get(upload_key(OWNER, bench.upload(color)["upload_id"]), max_bytes=10**6)
        bench.storage.put(key, file, "image/png")
        for _ in range(2):
            bench.run(bench.submit(style={"url": f"s3://{bench.settings.s3_bucket}/{key}"}))
    assert bench.model.styles == 2


def test_a_weak_style_is_blended_with_the_contents_own(bench: RunnerBench) -> None:
    job = bench.run(bench.submit(style=bench.upload("red"), params={"strength": 0.5}))
    assert job.status is JobStatus.SUCCEEDED
    assert bench.model.styles == 2


def test_several_styles_are_each_computed_once(bench: RunnerBench) -> None:
    styles = [{**bench.upload(color), "weight": weight} for color, weight in (("red", 1.0), ("blue", 3.0))]
    for _ in range(3):
        assert bench.run(bench.submit(styles=styles)).status is JobStatus.SUCCEEDED
    assert bench.model.styles == 2


def test_an_error_names_the_picture_that_it_speaks_of(bench: RunnerBench) -> None:
    missing = {"upload_id": "0" * 64}
    contents, styles = bench.run(bench.submit(content=missing)), bench.run(bench.submit(style=missing))
    assert contents.error is not None
    assert styles.error is not None
    assert (contents.error.stage, contents.error.detail[:14]) == ("fetch", "content image:")
    assert (styles.error.stage, styles.error.detail[:12]) == ("style", "style image:")
