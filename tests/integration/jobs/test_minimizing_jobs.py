"""Jobs that measure losses and minimize them, with a real store, S3 and VGG network."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image

from shared.policy.object_keys import preview_key
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.loss_records import JobProgress
from shared.wire.records import Job, JobStatus
from tests.jobs import LEASE_SECONDS, claimed
from tests.workers.runner_bench import OWNER, RunnerBench
from worker.model.gatys.method import OriginalMethod
from worker.model.lazy import Lazily
from worker.painting.original import Original
from worker.painting.painter import OptimizeLimits


@pytest.fixture(scope="module")
def original() -> Lazily[Original]:
    return Lazily(lambda: OriginalMethod("embedded"))


@pytest.fixture
def measuring(
    store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings, original: Lazily[Original]
) -> Iterator[RunnerBench]:
    bench = RunnerBench(store, lanes, s3_settings.model_copy(update={"redis_url": redis_url}), original)
    yield bench
    bench.decoders.close()
    bench.celery.close()


def pair(bench: RunnerBench, size: tuple[int, int] = (32, 24)) -> dict[str, object]:
    return {"content": bench.upload("teal", size), "style": bench.upload("orange")}


def test_losses_are_reported_only_on_request(measuring: RunnerBench) -> None:
    plain = measuring.run(measuring.submit(**pair(measuring))).result
    asked = measuring.run(measuring.submit(**pair(measuring), params={"losses": True, "beta": 10.0})).result
    assert plain is not None
    assert asked is not None
    assert (plain.losses, asked.optimization) == (None, None)
    losses = asked.losses
    assert losses is not None
    assert (losses.alpha, losses.beta, losses.network) == (1.0, 10.0, "vgg16 (embedded)")
    assert losses.total == pytest.approx(losses.content + 10 * losses.style)
    assert losses.content_image.content == 0
    assert losses.style == losses.content_image.style > 0  # the scripted model answers the content
    assert {"losses"} == set(asked.timings_ms) - set(plain.timings_ms)
    assert (asked.sha256, asked.width) == (plain.sha256, plain.width)


def test_a_minimization_comes_nearer_to_the_style_and_shows_its_way(measuring: RunnerBench) -> None:
    job_id = measuring.submit(**pair(measuring), params={"method": "optimize", "iterations": 4})
    result = measuring.run(job_id).result
    assert result is not None
    assert result.losses is not None
    assert result.optimization is not None
    assert result.losses.style < result.losses.content_image.style
    totals = [point.total for point in result.optimization.curve]
    assert totals == sorted(totals, reverse=True)
    assert (len(totals), result.optimization.iterations, result.optimization.stopped_by) == (
        4,
        4,
        "iterations",
    )
    assert result.losses.total == pytest.approx(totals[-1], rel=0.05)  # after rounding to 8 bits
    with Image.open(BytesIO(measuring.storage.get(preview_key(OWNER, job_id), max_bytes=10**6))) as preview:
        assert (preview.format, preview.size) == ("JPEG", (32, 24))


def test_a_size_that_nobody_asked_for_is_scaled_to_the_limit(measuring: RunnerBench) -> None:
    wish = {"method": "optimize", "iterations": 1, "init": "content"}
    result = measuring.run(measuring.submit(**pair(measuring, (96, 48)), params=wish)).result
    assert result is not None
    assert (result.width, result.height) == (32, 16)
    assert measuring.model.calls == 0


@pytest.fixture
def large(
    store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings, original: Lazily[Original]
) -> Iterator[RunnerBench]:
    settings = s3_settings.model_copy(update={"redis_url": redis_url})
    limits = OptimizeLimits(512, seconds=60, memory_bytes=10**10, target_seconds=40)
    bench = RunnerBench(store, lanes, settings, original, limits=limits)
    yield bench
    bench.decoders.close()
    bench.celery.close()


def sides(job: Job) -> tuple[int, int, int | None]:
    """Return width and height of the result, and the side that the worker chose."""
    assert job.result is not None
    assert job.result.optimization is not None
    return job.result.width, job.result.height, job.result.optimization.chosen_side


def test_a_size_that_nobody_asked_for_is_one_that_ends_in_time(large: RunnerBench) -> None:
    one_step = {"method": "optimize", "iterations": 1}
    large.rate.note(80 * 40 / 40)  # 40 seconds for a step on 80 x 40 pixels
    job = large.run(large.submit(**pair(large, (192, 96)), params=one_step))
    assert sides(job) == (80, 40, 80)
    assert job.result is not None
    assert job.result.source_width == 192
    small = large.run(large.submit(**pair(large), params=one_step))
    assert sides(small)[:2] == (32, 24)  # nothing is scaled up
    asked = large.run(large.submit(**pair(large, (192, 96)), params={**one_step, "max_side": 192}))
    assert sides(asked) == (192, 96, None)
    in_less = large.run(large.submit(**pair(large, (192, 96)), params={**one_step, "max_seconds": 1}))
    assert sides(in_less) == (64, 32, 64)


def test_a_later_attempt_keeps_the_size_whatever_its_worker_would_choose(
    large: RunnerBench, store: JobStore
) -> None:
    large.rate.note(1e9)
    job_id = large.submit(**pair(large, (192, 96)), params={"method": "optimize", "iterations": 1})
    first = claimed(store, job_id)
    told = JobProgress(stage="optimize", fraction=0.5, chosen_side=96)
    store.renew([first], LEASE_SECONDS, {first.token: told})
    store.release(first, counts=True)
    assert sides(large.run(job_id)) == (96, 48, 96)


def test_an_unknown_rate_is_measured_and_each_minimization_renews_it(large: RunnerBench) -> None:
    params = {"method": "optimize", "iterations": 3, "init": "content"}
    picture = {"content": large.upload("teal", (192, 96)), "style": large.upload("orange", (48, 64))}
    assert large.rate.value is None
    job = large.run(large.submit(**picture, params=params))
    assert sides(job)[2] is not None
    measured = large.rate.value
    assert measured is not None
    assert measured > 0


def test_a_size_beyond_the_memory_is_refused_with_the_possible_pixels(measuring: RunnerBench) -> None:
    job = measuring.run(measuring.submit(**pair(measuring, (48, 32)), params={"losses": True}))
    assert job.error is not None
    assert (job.error.code, job.error.stage) == ("image-too-large", "losses")
    assert "1,536 pixels; this worker's memory holds the features of 1,024" in job.error.detail


def test_without_a_network_only_jobs_that_need_it_wait(bench: RunnerBench) -> None:
    assert bench.run(bench.submit()).status is JobStatus.SUCCEEDED
    job = bench.run(bench.submit(params={"losses": True}, max_attempts=1))
    assert job.error is not None
    assert (job.error.code, job.error.stage, job.error.retryable) == ("vgg-unavailable", "losses", True)
